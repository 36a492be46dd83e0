/** Follows the device's position while its worker is on duty, or while a page shows a way. */
import { askHere, hereOf, distance_m, type Here } from "../here";

/** A position older than 5 min is not trusted by dispatch. */
const TELL_MS = 100_000;
const LEAST_MS = 20_000;
const MOVED_M = 40;

type Listener = () => void;

export class Whereabouts {
  last: Here | null = null;
  /** Degrees from north, while the device moves. */
  heading_deg: number | null = null;
  /** Whether the device said that it may not tell. */
  refused = false;
  readonly #listeners = new Set<Listener>();
  readonly #tell: (here: Here) => void;
  #told: Here | null = null;
  #told_ms = Number.NEGATIVE_INFINITY;
  #watch: number | null = null;
  #onDuty = false;
  #needed = 0;

  /** `tell` is given the places of a worker on duty, now and then. */
  constructor(tell: (here: Here) => void) {
    this.#tell = tell;
    window.setInterval(() => this.#again(), TELL_MS);
  }

  duty(on: boolean): void {
    if (on === this.#onDuty) return;
    this.#onDuty = on;
    this.#told = null;
    this.#told_ms = Number.NEGATIVE_INFINITY;
    this.#settle();
    if (on && this.last) this.#found(this.last);
  }

  /** Calls `listener` with each new position until the function that is returned is called. */
  follow(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#needed++;
    this.#settle();
    return () => {
      if (this.#listeners.delete(listener)) this.#needed--;
      this.#settle();
    };
  }

  #settle(): void {
    const isWanted = this.#onDuty || this.#needed > 0;
    if (!("geolocation" in navigator) || isWanted === (this.#watch !== null)) return;
    if (this.#watch !== null) {
      navigator.geolocation.clearWatch(this.#watch);
      this.#watch = null;
      return;
    }
    const found = (position: GeolocationPosition) => this.#found(hereOf(position), position.coords.heading);
    this.#watch = navigator.geolocation.watchPosition(found, (fault) => this.#failed(fault), { enableHighAccuracy: true });
  }

  #failed({ code, PERMISSION_DENIED }: GeolocationPositionError): void {
    this.refused = code === PERMISSION_DENIED;
    for (const listener of this.#listeners) listener();
  }

  #found(here: Here, heading: number | null = null): void {
    this.refused = false;
    this.last = here;
    if (heading !== null && Number.isFinite(heading)) this.heading_deg = heading;
    if (this.#onDuty) this.#report(here);
    for (const listener of this.#listeners) listener();
  }

  #report(here: Here): void {
    const since_ms = performance.now() - this.#told_ms;
    const moved_m = this.#told ? distance_m(this.#told.position, here.position) : Number.POSITIVE_INFINITY;
    if (since_ms < LEAST_MS || (since_ms < TELL_MS && moved_m < MOVED_M)) return;
    this.#told = here;
    this.#told_ms = performance.now();
    this.#tell(here);
  }

  /** A device that does not move says nothing; dispatch wants to hear it all the same. */
  #again(): void {
    if (this.#onDuty) askHere().then((here) => this.#found(here), () => undefined); // prettier-ignore
  }
}
