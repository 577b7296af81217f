package hindcast.bench;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The job by hand in Kafka Streams' Processor API, written to be fast: predictions and labels are
 * joined by id in a RocksDB store with its changelog, and counted per (minute, model version) with
 * score histograms of both classes.
 *
 * <p>Rows are packed into bytes, JSON goes through Jackson's streaming parser without a tree or a
 * bean, and the accumulators live on the heap and reach their store once a second. That last part
 * trades safety for speed: a crash between two flushes miscounts that second. The baseline keeps
 * the advantage.
 */
public final class FraudMetrics {
    static final int BINS = 1000;
    static final int HAS_PREDICTION = 1, PREDICTED = 2, HAS_LABEL = 4, ACTUAL = 8;
    static final JsonFactory JSON = new JsonFactory();
    static final LongAdder PROCESSED = new LongAdder();

    /** What is known of one id: 14 bytes in the store. */
    static final class Row {
        int flags, minute;
        short version, bin;
        float score;

        static Row read(byte[] bytes) {
            Row row = new Row();
            if (bytes != null) {
                ByteBuffer in = ByteBuffer.wrap(bytes);
                row.flags = in.get();
                row.minute = in.getInt();
                row.version = in.getShort();
                row.bin = in.getShort();
                row.score = in.getFloat();
            }
            return row;
        }

        byte[] write() {
            return ByteBuffer.allocate(13)
                .put((byte) flags).putInt(minute).putShort(version).putShort(bin).putFloat(score)
                .array();
        }

        boolean has(int flag) {
            return (flags & flag) != 0;
        }
    }

    /** Counters of one (minute, model version) on one partition. */
    static final class Window {
        long total, labelled, tp, fp, fn, tn;
        double scoreSum, squaredErrorSum;
        final int[] positives = new int[BINS], negatives = new int[BINS];

        static Window read(byte[] bytes) {
            Window window = new Window();
            if (bytes == null) {
                return window;
            }
            ByteBuffer in = ByteBuffer.wrap(bytes);
            window.total = in.getLong();
            window.labelled = in.getLong();
            window.tp = in.getLong();
            window.fp = in.getLong();
            window.fn = in.getLong();
            window.tn = in.getLong();
            window.scoreSum = in.getDouble();
            window.squaredErrorSum = in.getDouble();
            in.asIntBuffer().get(window.positives).get(window.negatives);
            return window;
        }

        byte[] write() {
            ByteBuffer out = ByteBuffer.allocate(64 + 8 * BINS)
                .putLong(total).putLong(labelled).putLong(tp).putLong(fp).putLong(fn).putLong(tn)
                .putDouble(scoreSum).putDouble(squaredErrorSum);
            out.asIntBuffer().put(positives).put(negatives);
            return out.array();
        }

        void addPrediction(Row row) {
            total++;
            scoreSum += row.score;
        }

        void addOutcome(Row row) {
            boolean predicted = row.has(PREDICTED), actual = row.has(ACTUAL);
            labelled++;
            if (actual) {
                if (predicted) tp++; else fn++;
                positives[row.bin]++;
            } else {
                if (predicted) fp++; else tn++;
                negatives[row.bin]++;
            }
            double error = row.score - (actual ? 1 : 0);
            squaredErrorSum += error * error;
        }

        /** Area under the ROC curve from the two histograms; NaN with one class only. */
        double auc() {
            double below = 0, area = 0, positive = 0;
            for (int bin = 0; bin < BINS; bin++) {
                area += positives[bin] * (below + 0.5 * negatives[bin]);
                below += negatives[bin];
                positive += positives[bin];
            }
            return area / (positive * below);
        }

        String json(int minute, String version, int partition) {
            double auc = auc();
            return "{\"window_start\":\"" + Instant.ofEpochSecond(minute * 60L)
                + "\",\"model_version\":\"" + version + "\",\"partition\":" + partition
                + ",\"total\":" + total + ",\"labelled\":" + labelled
                + ",\"tp\":" + tp + ",\"fp\":" + fp + ",\"fn\":" + fn + ",\"tn\":" + tn
                + ",\"mean_score\":" + (total == 0 ? "null" : scoreSum / total)
                + ",\"brier\":" + (labelled == 0 ? "null" : squaredErrorSum / labelled)
                + ",\"auc\":" + (Double.isNaN(auc) ? "null" : auc) + "}";
        }
    }

    /** One record as parsed; reused, since each task runs on one thread. */
    static final class Event {
        String time, version;
        double score;
        boolean outcome;

        void parse(byte[] json) {
            try (JsonParser parser = JSON.createParser(json)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String field = parser.currentName();
                    parser.nextToken();
                    switch (field) {
                        case "event_time", "label_time" -> time = parser.getText();
                        case "model_version" -> version = parser.getText();
                        case "predicted_fraud_score" -> score = parser.getDoubleValue();
                        case "predicted_fraud", "actual_fraud" -> outcome = parser.getBooleanValue();
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }

    static final class Join implements Processor<Bytes, byte[], Bytes, byte[]> {
        private final String predictionsTopic;
        private final Event event = new Event();
        private final Map<Long, Window> windows = new HashMap<>();
        private final Set<Long> changed = new HashSet<>();
        private final Map<String, Integer> minutes = new HashMap<>();
        private final Map<String, Short> versionCodes = new HashMap<>();
        private final Map<Short, String> versionNames = new HashMap<>();
        private ProcessorContext<Bytes, byte[]> context;
        private KeyValueStore<Bytes, byte[]> rows, windowStore, versionStore;

        Join(String predictionsTopic) {
            this.predictionsTopic = predictionsTopic;
        }

        @Override
        public void init(ProcessorContext<Bytes, byte[]> context) {
            this.context = context;
            rows = context.getStateStore("rows");
            windowStore = context.getStateStore("windows");
            versionStore = context.getStateStore("versions");
            try (var known = versionStore.all()) {
                known.forEachRemaining(entry -> rememberVersion(
                    new String(entry.key.get(), StandardCharsets.UTF_8), ByteBuffer.wrap(entry.value).getShort()));
            }
            context.schedule(Duration.ofSeconds(1), PunctuationType.WALL_CLOCK_TIME, at -> emit());
        }

        @Override
        public void process(Record<Bytes, byte[]> record) {
            event.parse(record.value());
            Row row = Row.read(rows.get(record.key()));
            boolean isPrediction = context.recordMetadata().orElseThrow().topic().equals(predictionsTopic);
            if (isPrediction ? addPrediction(row) : addLabel(row)) {
                rows.put(record.key(), row.write());
            }
            PROCESSED.increment();
        }

        /** The first prediction of an id counts; later ones are duplicates. */
        private boolean addPrediction(Row row) {
            if (row.has(HAS_PREDICTION)) {
                return false;
            }
            row.minute = minute(event.time);
            row.version = version(event.version);
            row.score = (float) event.score;
            row.bin = (short) Math.min((int) (event.score * BINS), BINS - 1);
            row.flags |= HAS_PREDICTION | (event.outcome ? PREDICTED : 0);
            Window window = window(row);
            window.addPrediction(row);
            if (row.has(HAS_LABEL)) {
                window.addOutcome(row);
            }
            return true;
        }

        private boolean addLabel(Row row) {
            if (row.has(HAS_LABEL)) {
                return false;
            }
            row.flags |= HAS_LABEL | (event.outcome ? ACTUAL : 0);
            if (row.has(HAS_PREDICTION)) {
                window(row).addOutcome(row);
            }
            return true;
        }

        private Window window(Row row) {
            long key = ((long) row.minute << 16) | row.version;
            changed.add(key);
            return windows.computeIfAbsent(key, k -> Window.read(windowStore.get(windowKey(k))));
        }

        private void emit() {
            int partition = context.taskId().partition();
            for (long key : changed) {
                Window window = windows.get(key);
                windowStore.put(windowKey(key), window.write());
                String json = window.json((int) (key >> 16), versionNames.get((short) key), partition);
                context.forward(new Record<>(
                    windowKey(key), json.getBytes(StandardCharsets.UTF_8), context.currentSystemTimeMs()));
            }
            changed.clear();
        }

        private static Bytes windowKey(long key) {
            return Bytes.wrap(ByteBuffer.allocate(8).putLong(key).array());
        }

        /** Minute since the epoch, remembered by the text up to the minute. */
        private int minute(String time) {
            return minutes.computeIfAbsent(
                time.substring(0, 16), m -> (int) (Instant.parse(m + ":00Z").getEpochSecond() / 60));
        }

        private short version(String name) {
            Short code = versionCodes.get(name);
            if (code == null) {
                code = (short) versionCodes.size();
                rememberVersion(name, code);
                versionStore.put(Bytes.wrap(name.getBytes(StandardCharsets.UTF_8)),
                    ByteBuffer.allocate(2).putShort(code).array());
            }
            return code;
        }

        private void rememberVersion(String name, short code) {
            versionCodes.put(name, code);
            versionNames.put(code, name);
        }
    }

    static Topology topology(String predictions, String labels, String output) {
        Topology topology = new Topology();
        topology.addSource("source", Serdes.Bytes().deserializer(), Serdes.ByteArray().deserializer(), predictions, labels);
        topology.addProcessor("join", () -> new Join(predictions), "source");
        for (String store : new String[] {"rows", "windows", "versions"}) {
            topology.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(store), Serdes.Bytes(), Serdes.ByteArray()), "join");
        }
        topology.addSink("sink", output, Serdes.Bytes().serializer(), Serdes.ByteArray().serializer(), "join");
        return topology;
    }

    static Properties settings(String bootstrap, String application, String stateDirectory, int threads) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, stateDirectory);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, threads);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, Integer.getInteger("commit.interval.ms", 10_000));
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), 8 << 20);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
        return settings;
    }

    /** Prints {@code progress N} four times a second; returns when that many events are done. */
    private static void watch(long events, CountDownLatch failed) throws InterruptedException {
        long done = 0;
        while (done < events && failed.getCount() > 0) {
            Thread.sleep(100);
            done = PROCESSED.sum();
            System.out.println("progress " + done);
        }
    }

    public static void main(String[] args) throws InterruptedException {
        if (args.length != 8) {
            System.err.println("usage: FraudMetrics bootstrap application-id predictions labels output state-directory threads events");
            System.exit(2);
        }
        CountDownLatch failed = new CountDownLatch(1);
        KafkaStreams streams = new KafkaStreams(
            topology(args[2], args[3], args[4]), settings(args[0], args[1], args[5], Integer.parseInt(args[6])));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
        watch(Long.parseLong(args[7]), failed);
        streams.close(Duration.ofSeconds(30));
        System.exit(failed.getCount() > 0 ? 0 : 1);
    }
}
