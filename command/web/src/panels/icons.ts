/** Line icons, drawn here so that no icon font or outside file is needed. */
import { svg } from "../dom";

const PATHS = {
  sun: "M12 4V2M12 22v-2M4 12H2M22 12h-2M5.600 5.600 4.200 4.200M19.800 19.800l-1.400-1.400M18.400 5.600l1.400-1.400M4.200 19.800l1.400-1.400M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
  moon: "M20 14.500A8 8 0 0 1 9.500 4 8 8 0 1 0 20 14.500Z",
  auto: "M12 3a9 9 0 1 0 0 18V3ZM12 3a9 9 0 0 1 0 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  close: "M6 6l12 12M18 6 6 18",
  camera: "M3 8h12v9H3zM15 11l6-3v9l-6-3",
  panel: "M4 5h16v14H4zM15 5v14",
  left: "M20 12H5M11 6l-6 6 6 6",
  layers: "M12 4 3 9l9 5 9-5-9-5ZM4.500 13.500 12 18l7.500-4.500",
  through: "M12 20V4M7 9l5-5 5 5",
  turnLeft: "M17 20v-8a4 4 0 0 0-4-4H5M9 4 5 8l4 4",
  turnRight: "M7 20v-8a4 4 0 0 1 4-4h8M15 4l4 4-4 4",
  turnBack: "M17 20V9a5 5 0 0 0-10 0v8M3 13l4 4 4-4",
  walk: "M13 4.500a1 1 0 1 0 0-.010M12 8l-3 3v3M12 8l2 3 3 1M12 8l-1 6 3 3v4M11 14l-3 6",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.500 20a7.500 7.500 0 0 1 15 0",
  contrast: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM12 7v10a5 5 0 0 0 0-10Z",
  wall: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5M9 12h6",
  history: "M4 12a8 8 0 1 1 2.500 5.800M4 12V6.500M4 12h5M12 8v4.500l3 2",
  play: "M8 5v14l11-7-11-7Z",
  pause: "M8.500 5v14M15.500 5v14",
  back: "M19 6l-8 6 8 6V6ZM11 6l-7 6 7 6V6Z",
  ahead: "M5 6l8 6-8 6V6ZM13 6l7 6-7 6V6Z",
  silent: "M4 4l16 16M8.500 8.500A5 5 0 0 0 7 12M5.600 5.600A9 9 0 0 0 3 12M12 12v.010M15.500 15.500A5 5 0 0 0 17 12M18.400 18.400A9 9 0 0 0 21 12",
  photo: "M3 8h4l2-3h6l2 3h4v11H3ZM12 10a3.500 3.500 0 1 0 0 7 3.500 3.500 0 0 0 0-7Z",
  voice: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3ZM5 11a7 7 0 0 0 14 0M12 18v3",
  list: "M9 6h11M9 12h11M9 18h11M4.500 6v.010M4.500 12v.010M4.500 18v.010",
  letter: "M3 6h18v12H3ZM3 7l9 6 9-6",
  arrow: "M12 3l6 17-6-4-6 4Z",
  check: "M4 12.500 9.500 18 20 6.500",
  pin: "M12 21s7-6.500 7-11.500a7 7 0 0 0-14 0C5 14.500 12 21 12 21ZM12 7.500a2 2 0 1 0 0 4 2 2 0 0 0 0-4Z",
  share: "M12 15V3M8 7l4-4 4 4M5 12v8h14v-8",
} as const;

export type Icon = keyof typeof PATHS;

export function icon(name: Icon): SVGElement {
  return svg(
    "svg",
    { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: PATHS[name] }),
  );
}
