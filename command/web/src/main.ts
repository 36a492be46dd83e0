/** Puts the live map together: one city, the map and panels that show it, one selection. */
import "maplibre-gl/dist/maplibre-gl.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/frame.css";
import "./styles/map.css";
import "./styles/calibration.css";
import "./styles/panels.css";
import "./styles/cases.css";
import "./styles/evaluation.css";
import "./styles/session.css";
import { CalibrationEditor } from "./calibration/editor";
import { CaseLayer } from "./cases/layer";
import { CaseLegend } from "./cases/legend";
import { City } from "./city";
import type { LonLat } from "./contract";
import { attribute, h, text } from "./dom";
import { entitle, localLabel, localText, said, t } from "./i18n";
import { MapLatency } from "./latency";
import { LiveMap } from "./map/livemap";
import { Pins, type Pin } from "./map/pins";
import { isLost } from "./panels/agents";
import { Header } from "./panels/header";
import { icon, type Icon } from "./panels/icons";
import { KpiStrip } from "./panels/kpis";
import { legend } from "./panels/legend";
import { makePin, updatePin } from "./panels/pin";
import { Situation, type Selection } from "./panels/situation";
import { Tables } from "./panels/tables";
import { AccountMenu } from "./session/menu";
import { enter, offerAgain } from "./session/page";
import { may, onLost } from "./session/session";
import { onSettings, settings } from "./settings";
import { followTheme } from "./theme";

/** How near the map goes to what is selected. */
const NEAR_ZOOM = { intersection: 18, camera: 17, case: 17, report: 17 } as const;
/** Countdowns run between messages. */
const TICK_MS = 250;

const app = document.querySelector("#app") ?? document.body;
// The map reads its colours from the style sheet, so this listener must be the first.
followTheme();
entitle("app.title");
// Nothing below happens before somebody is signed in.
await enter(app);
offerAgain();

const city = new City();
const latency = new MapLatency();

let selection: Selection = null;
let live: LiveMap | null = null;

function positionOf({ kind, id }: NonNullable<Selection>): LonLat | null {
  if (kind === "case") return city.cases.cases.get(id)?.position ?? null;
  if (kind === "report") return null;
  if (kind === "camera") return city.cameras.get(id)?.position ?? null;
  return city.intersections.get(id)?.position ?? null;
}

const canvas = localLabel(h("div", { class: "map-canvas", id: "map", role: "region" }), "map.label");
const waiting = said("p", "map-waiting card", "app.waiting");
const tools = h("div", { class: "map-tools card" });
const main = h("main", { class: "main" });
/** Marks on the map of what is being drawn; none before there is a map. */
let mark: (pins: Pin[]) => void = () => undefined;
const editor = new CalibrationEditor({
  onClick: (listener) => {
    const map = live?.map;
    const told = ({ lngLat }: { lngLat: { lng: number; lat: number } }) => listener([lngLat.lng, lngLat.lat]);
    map?.on("click", told);
    return () => void map?.off("click", told);
  },
  mark: (places) => mark(places),
});
const side = new Situation(city, select, leaveRoom, (camera) => void editor.open(camera));
const tables = new Tables(city, select);
const header = new Header(city);
header.element.append(new AccountMenu().element);
onLost(() => header.refresh());
const skip = localText(h("a", { class: "skip", href: "#tables", click: openTable }), "app.skip");
const key = legend();
const caseLegend = new CaseLegend(city.cases);
if (may("see_cases")) key.lastElementChild?.append(caseLegend.element);
main.append(canvas, tables.element, waiting, key, tools, editor.element, side.element);
app.append(skip, header.element, new KpiStrip(city, latency).element, main);

function openTable(event: Event): void {
  event.preventDefault();
  header.element.querySelector<HTMLElement>('[data-setting="view"] [data-value="table"]')?.click();
  tables.element.focus();
}

function applyView(): void {
  attribute(main, "data-view", settings.view);
  attribute(tables.element, "hidden", settings.view !== "table");
  tables.refresh();
}
applyView();
onSettings((_, changed) => changed === "view" && applyView());

let caseLayer: CaseLayer | null = null;

function leaveRoom(): void {
  live?.leaveRoom(side.room());
}

function select(next: Selection): void {
  selection = next;
  side.show(next);
  const position = next && positionOf(next);
  if (position && next && live && settings.view === "map") live.show(position, NEAR_ZOOM[next.kind]);
  caseLayer?.select(next?.kind === "case" ? next.id : null);
  for (const pin of document.querySelectorAll<HTMLElement>(".map-pins .pin, .map-pins .spot")) {
    const { intersection, camera } = pin.dataset;
    const isIt = next !== null && (next.kind === "intersection" ? intersection : camera) === next.id;
    attribute(pin, "data-selected", isIt);
  }
}

function tool(name: "map.in" | "map.out" | "map.fit", image: Icon, act: () => void): void {
  tools.append(localLabel(h("button", { type: "button", class: "icon-button", click: act }, icon(image)), name, true));
}

/** Cameras, and agents other than signals that fell silent, at their place. */
interface Spot extends Pin {
  camera: string | null;
  lost: boolean;
  name: string;
}

function spots(): Spot[] {
  const cameras = [...city.cameras.values()].map(({ camera, position, health }) => ({
    key: `camera/${camera}`, position, camera, lost: health !== "ok" && health !== "degraded", name: camera,
  })); // prettier-ignore
  const silent = [...city.agents.values()]
    .filter((agent) => isLost(agent) && agent.kind !== "camera")
    .map(({ device, position }) => ({ key: device, position, camera: null, lost: true, name: device }));
  return [...cameras, ...silent].filter((spot): spot is Spot => spot.position !== null);
}

function makeSpot({ key, camera }: Spot): HTMLElement {
  const intersection = key.split("/")[1] ?? "";
  const open = () => {
    if (camera) select({ kind: "camera", id: camera });
    else if (city.intersections.has(intersection)) select({ kind: "intersection", id: intersection });
  };
  const button = h("button", { type: "button", class: "spot", "data-camera": camera, click: open }, icon(camera ? "camera" : "silent"));
  return h("div", { class: "pin-place" }, button);
}

function updateSpot(element: HTMLElement, { camera, lost, name }: Spot): void {
  const button = element.firstElementChild;
  if (!button) return;
  const label = camera ? t("camera.title", { name }) : `${name}: ${t("health.silent")}`;
  attribute(button, "data-lost", lost);
  attribute(button, "aria-label", label);
  attribute(button, "title", label);
}

function startMap(): void {
  const liveMap = new LiveMap(canvas, city, latency);
  live = liveMap;
  leaveRoom();
  liveMap.map.on("resize", leaveRoom);
  const layer = () => liveMap.map.getCanvasContainer().appendChild(h("div", { class: "map-pins" }));
  const open = (id: string) => select({ kind: "intersection", id });
  const pins = new Pins(liveMap.map, layer(), (pin) => makePin(open, pin), (element, pin) => updatePin(city, element, pin));
  const others = new Pins<Spot>(liveMap.map, layer(), makeSpot, updateSpot);
  const marks = new Pins<Pin>(liveMap.map, layer(), ({ key }) => h("div", { class: "pin-place" }, h("span", { class: "calibration-mark" }, key)), () => undefined);
  mark = (pins) => marks.show(pins);
  if (may("see_cases")) caseLayer = new CaseLayer(liveMap.map, city.cases, caseLegend, select);
  side.report.onPlace = (position) => caseLayer?.mark(position);
  side.report.middle = () => liveMap.map.getCenter().toArray();
  liveMap.map.on("click", ({ lngLat }) => side.report.isOpen && side.report.place([lngLat.lng, lngLat.lat]));
  tool("map.in", "plus", () => liveMap.map.zoomIn());
  tool("map.out", "minus", () => liveMap.map.zoomOut());
  tool("map.fit", "fit", () => liveMap.fit());
  city.onFrame((changes) => {
    if (changes.intersections) {
      pins.show([...city.intersections.values()].map(({ intersection: key, position }) => ({ key, position })));
    }
    if (changes.agents || changes.cameras.size > 0) others.show(spots());
    if (changes.signals.size > 0) pins.refresh();
    if (changes.network) attribute(waiting, "hidden", city.network?.features.length !== 0);
  });
  window.setInterval(() => pins.refresh(), TICK_MS);
  window.setInterval(() => liveMap.refreshUncertain(), 1_000);
}

try {
  startMap();
} catch (error) {
  // Without WebGL the table still tells everything.
  text(waiting, t("map.failed", { reason: (error as Error).message }));
}
city.start();
window.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && selection) select(null);
});
