/** What stands in the map's place: tables, cameras, figures, the shift's sheet. */
export interface Page {
  element: HTMLElement;
  /** Called when it comes into view, and when something that it shows has changed. */
  refresh: () => void;
  hide?: () => void;
}
