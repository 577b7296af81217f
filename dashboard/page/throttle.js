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

/**
 * A function that does these things, the first so many ms after it was last called, and each further one as long after
 * that: what is chosen with the keyboard changes faster than a day of windows is drawn.
 */
export function settled(after_ms, ...things) {
  let timer = null;
  const next = (left) => {
    left[0]();
    timer = left.length > 1 ? setTimeout(next, after_ms, left.slice(1)) : null;
  };
  return () => {
    clearTimeout(timer);
    timer = setTimeout(next, after_ms, things);
  };
}
