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
 * <p>Rows are packed into bytes and JSON goes through Jackson's streaming parser without a tree or a
 * bean. Counters are kept in one of two ways ({@code -Dcounters=store|heap}): {@code store} reads and
 * writes them in stores with Kafka Streams' own cache, an event at a time, as one usually does;
 * {@code heap} holds them in objects that reach their store once a second, which is faster, but a crash
 * between two flushes miscounts that second.
 */
public final class FraudMetrics {
    static final int BINS = 1000;
    static final int HAS_PREDICTION = 1, PREDICTED = 2, HAS_LABEL = 4, ACTUAL = 8;
    static final boolean ON_HEAP = "heap".equals(System.getProperty("counters"));
    static final Duration EMIT_EVERY = Duration.ofMillis(Integer.getInteger("emit.every.ms", 10_000));
    static final JsonFactory JSON = new JsonFactory();
    static final LongAdder PROCESSED = new LongAdder();

    /** What is known of one id: 13 bytes in the store. */
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
        final int[] positives, negatives;

        Window(int bins) {
            positives = new int[bins];
            negatives = new int[bins];
        }

        /** The counters; the histograms too where they were written with them. */
        static Window read(byte[] bytes, boolean histograms) {
            Window window = new Window(histograms ? BINS : 0);
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
            if (histograms) {
                in.asIntBuffer().get(window.positives).get(window.negatives);
            }
            return window;
        }

        byte[] write() {
            ByteBuffer out = ByteBuffer.allocate(64 + 8 * positives.length)
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
            } else {
                if (predicted) fp++; else tn++;
            }
            double error = row.score - (actual ? 1 : 0);
            squaredErrorSum += error * error;
        }

        /** Area under the ROC curve from the two histograms; NaN with one class only. */
        static double auc(int[] positives, int[] negatives) {
            double below = 0, area = 0, positive = 0;
            for (int bin = 0; bin < BINS; bin++) {
                area += positives[bin] * (below + 0.5 * negatives[bin]);
                below += negatives[bin];
                positive += positives[bin];
            }
            return area / (positive * below);
        }

        String json(int minute, String version, int partition, double auc) {
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

    /** Where the counters of the windows are kept; a window is known by its minute and version in one long. */
    interface Counters {
        void addPrediction(long window, Row row);

        void addOutcome(long window, Row row);

        /** Called once a second: make durable what is not yet. */
        void flush();

        /** The window's record. */
        String json(long window, String version, int partition);
    }

    /** Objects on the heap, written to their store once a second. */
    static final class HeapCounters implements Counters {
        private final Map<Long, Window> windows = new HashMap<>();
        private final Set<Long> unwritten = new HashSet<>();
        private final KeyValueStore<Bytes, byte[]> store;

        HeapCounters(KeyValueStore<Bytes, byte[]> store) {
            this.store = store;
        }

        @Override
        public void addPrediction(long key, Row row) {
            window(key).addPrediction(row);
        }

        @Override
        public void addOutcome(long key, Row row) {
            Window window = window(key);
            window.addOutcome(row);
            (row.has(ACTUAL) ? window.positives : window.negatives)[row.bin]++;
        }

        @Override
        public void flush() {
            unwritten.forEach(key -> store.put(windowKey(key), windows.get(key).write()));
            unwritten.clear();
        }

        @Override
        public String json(long key, String version, int partition) {
            Window window = windows.get(key);
            return window.json((int) (key >> 16), version, partition, Window.auc(window.positives, window.negatives));
        }

        private Window window(long key) {
            unwritten.add(key);
            return windows.computeIfAbsent(key, k -> Window.read(store.get(windowKey(k)), true));
        }
    }

    /** Counters in one store and histogram cells in another, read and written an event at a time. */
    static final class StoreCounters implements Counters {
        private final KeyValueStore<Bytes, byte[]> windows, cells;

        StoreCounters(KeyValueStore<Bytes, byte[]> windows, KeyValueStore<Bytes, byte[]> cells) {
            this.windows = windows;
            this.cells = cells;
        }

        @Override
        public void addPrediction(long key, Row row) {
            Window window = window(key);
            window.addPrediction(row);
            windows.put(windowKey(key), window.write());
        }

        @Override
        public void addOutcome(long key, Row row) {
            Window window = window(key);
            window.addOutcome(row);
            windows.put(windowKey(key), window.write());
            Bytes cell = cellKey(key, row.has(ACTUAL), row.bin);
            byte[] count = cells.get(cell);
            int next = count == null ? 1 : ByteBuffer.wrap(count).getInt() + 1;
            cells.put(cell, ByteBuffer.allocate(4).putInt(next).array());
        }

        @Override
        public void flush() { }

        @Override
        public String json(long key, String version, int partition) {
            double auc = Window.auc(histogram(key, true), histogram(key, false));
            return window(key).json((int) (key >> 16), version, partition, auc);
        }

        private int[] histogram(long key, boolean positive) {
            int[] counts = new int[BINS];
            try (var found = cells.range(cellKey(key, positive, (short) 0), cellKey(key, positive, (short) (BINS - 1)))) {
                found.forEachRemaining(
                    cell -> counts[ByteBuffer.wrap(cell.key.get()).getShort(9)] = ByteBuffer.wrap(cell.value).getInt());
            }
            return counts;
        }

        private Window window(long key) {
            return Window.read(windows.get(windowKey(key)), false);
        }

        private static Bytes cellKey(long key, boolean positive, short bin) {
            return Bytes.wrap(ByteBuffer.allocate(11).putLong(key).put((byte) (positive ? 1 : 0)).putShort(bin).array());
        }
    }

    static Bytes windowKey(long key) {
        return Bytes.wrap(ByteBuffer.allocate(8).putLong(key).array());
    }

    static final class Join implements Processor<Bytes, byte[], Bytes, byte[]> {
        private final String predictionsTopic;
        private final Event event = new Event();
        private final Set<Long> changed = new HashSet<>();
        private final Map<String, Integer> minutes = new HashMap<>();
        private final Map<String, Short> versionCodes = new HashMap<>();
        private final Map<Short, String> versionNames = new HashMap<>();
        private ProcessorContext<Bytes, byte[]> context;
        private KeyValueStore<Bytes, byte[]> rows, versionStore;
        private Counters counters;

        Join(String predictionsTopic) {
            this.predictionsTopic = predictionsTopic;
        }

        @Override
        public void init(ProcessorContext<Bytes, byte[]> context) {
            this.context = context;
            rows = context.getStateStore("rows");
            KeyValueStore<Bytes, byte[]> windows = context.getStateStore("windows");
            counters = ON_HEAP ? new HeapCounters(windows) : new StoreCounters(windows, context.getStateStore("cells"));
            versionStore = context.getStateStore("versions");
            try (var known = versionStore.all()) {
                known.forEachRemaining(entry -> rememberVersion(
                    new String(entry.key.get(), StandardCharsets.UTF_8), ByteBuffer.wrap(entry.value).getShort()));
            }
            context.schedule(Duration.ofSeconds(1), PunctuationType.WALL_CLOCK_TIME, at -> counters.flush());
            context.schedule(EMIT_EVERY, PunctuationType.WALL_CLOCK_TIME, at -> emit());
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
            long window = window(row);
            counters.addPrediction(window, row);
            if (row.has(HAS_LABEL)) {
                counters.addOutcome(window, row);
            }
            return true;
        }

        private boolean addLabel(Row row) {
            if (row.has(HAS_LABEL)) {
                return false;
            }
            row.flags |= HAS_LABEL | (event.outcome ? ACTUAL : 0);
            if (row.has(HAS_PREDICTION)) {
                counters.addOutcome(window(row), row);
            }
            return true;
        }

        private long window(Row row) {
            long key = ((long) row.minute << 16) | row.version;
            changed.add(key);
            return key;
        }

        private void emit() {
            int partition = context.taskId().partition();
            for (long key : changed) {
                String json = counters.json(key, versionNames.get((short) key), partition);
                context.forward(new Record<>(
                    windowKey(key), json.getBytes(StandardCharsets.UTF_8), context.currentSystemTimeMs()));
            }
            changed.clear();
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
        for (String name : new String[] {"rows", "windows", "cells", "versions"}) {
            var store = Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(name), Serdes.Bytes(), Serdes.ByteArray());
            // Ids come once or twice: a cache would only cost. Counters come again and again.
            boolean repeats = name.equals("windows") || name.equals("cells");
            topology.addStateStore(repeats && !ON_HEAP ? store.withCachingEnabled() : store, "join");
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
        settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64L << 20);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 10_000);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 << 10);
        settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L << 20);
        return settings;
    }

    /** Prints {@code progress N} ten times a second; returns when that many events are done. */
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
