/** Capture to map: how old a signal's state is when its picture has been painted; sent to the API every 5 s. */
import { clockOffset_ms } from "./clock";
import { isLost, may, send } from "./session/session";

const REPORT_MS = 5_000;
const MOST_SAMPLES = 500;
const WINDOW = 600;

export class MapLatency {
  #unsent: number[] = [];
  #recent: number[] = [];

  constructor() {
    window.setInterval(() => void this.#report(), REPORT_MS);
  }

  /** `captured_ms`: when each newly painted state was captured, by the wall clock. */
  painted(captured_ms: readonly number[]): void {
    // Clocks that differ, or a page in the background, measure something else.
    if (clockOffset_ms() !== 0 || document.hidden) return;
    const now = Date.now();
    for (const at of captured_ms) {
      const sample_s = Math.max(0, (now - at) / 1000);
      if (this.#unsent.length < MOST_SAMPLES) this.#unsent.push(sample_s);
      this.#recent.push(sample_s);
    }
    if (this.#recent.length > WINDOW) this.#recent.splice(0, this.#recent.length - WINDOW);
  }

  /** This browser's own share `p` of 0 to 1, in seconds; none before the first sample. */
  quantile_s(p: number): number | null {
    if (this.#recent.length === 0) return null;
    const sorted = this.#recent.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? null;
  }

  async #report(): Promise<void> {
    if (this.#unsent.length === 0 || isLost() || !may("tell_latency")) return;
    const samples = this.#unsent.map((sample_s) => Math.round(sample_s * 1e4) / 1e4);
    this.#unsent = [];
    try {
      await send("POST", "/telemetry/map", { samples_s: samples });
    } catch {
      // The connection chip already tells of a server that is away; old samples are not worth keeping.
    }
  }
}
