/** A function that runs at once, and then at most every so many ms; the last call is never lost, and none overlap. */
export function throttled(run, every_ms) {
  let isRunning = false;
  let isWanted = false;
  const go = async () => {
    isRunning = true;
    isWanted = false;
    try {
      await run();
    } finally {
      setTimeout(() => {
        isRunning = false;
        if (isWanted) go();
      }, every_ms);
    }
  };
  return () => {
    isWanted = true;
    if (!isRunning) go();
  };
}
