"""The JSON schemas of every body that the API takes or answers, for the OpenAPI document."""

from typing import Any

import msgspec

from command import looks, models, people, records, saved, search
from command.alarms import models as alarms
from command.analysis import models as analysis
from command.answers import REF
from command.calibrations import CalibrationBody, CalibrationFit, CalibrationView
from command.cases import evaluation, inbox, offline, public, waves
from command.cases import models as cases
from command.orders import models as orders
from command.playback import models as playback
from command.routes import retention, streets
from command.webhooks import models as webhooks

BODIES: tuple[type[models.View], ...] = (
    models.ErrorBody, models.SiteView, models.NetworkView, models.IntersectionList, models.IntersectionDetail,
    models.SignalList, models.LaneList, models.CameraList, models.PictureList, models.AgentList,
    models.EventList, models.EventPage, models.Kpis, models.BalanceList, models.HealthView,
    models.Samples, models.ReasonsNow, records.LaneRecords,
    records.LaneBuckets, records.CountRecords, records.CountBuckets, records.SignalPage, records.CommandPage,
    people.SignInBody, people.LinkBody, people.PasswordBody, people.CodeBody, people.ConfirmBody,
    people.TokenBody, people.AccountBody, people.AccountChange, people.WaysView, people.MeView,
    people.TotpView,
    people.TokenView, people.TokenList, people.AccountView, people.AccountList, people.EntryView,
    people.EntryPage, alarms.AlarmView, alarms.AlarmList, alarms.AlarmEntry, alarms.AlarmDetail,
    alarms.CommentBody, alarms.AssignBody, alarms.SnoozeBody, webhooks.WebhookBody, webhooks.WebhookView,
    webhooks.WebhookList, webhooks.DeliveryView, webhooks.DeliveryList, retention.PolicyView,
    retention.PolicyList, playback.PlaybackState, playback.PlaybackChanges,
    analysis.FigureList, analysis.ComparisonView, analysis.ShiftSheet,
    looks.LookBody, looks.LookView, search.HitList, saved.SavedViewBody,
    saved.SavedViewList,
    retention.PolicyList, cases.CasePin, cases.CaseView, cases.CaseList, cases.CaseDetail,
    cases.ReportBody, cases.FromAlarmBody, cases.NoteBody, cases.ReasonBody, cases.RemarkBody,
    cases.MergeBody, cases.DispatchBody, cases.SendBody, cases.CloseBody, cases.ExtendBody,
    cases.DecideBody, cases.DesignateBody, cases.RateBody, cases.ResultBody, cases.UnitList,
    cases.ClassList, cases.CellList, cases.ComponentList, cases.DutyBody, cases.PositionsBody,
    cases.KeptView, cases.WorkerView, cases.WorkerList, cases.CheckInBody, cases.TaskView, cases.TaskList,
    cases.UploadBody, cases.UploadView, cases.AttachmentView, offline.BatchBody, offline.BatchAnswer,
    inbox.MessageView, inbox.MessageList, inbox.ReadBody, inbox.RollCallBody, inbox.RollCallView,
    evaluation.League, evaluation.HandlingTimes, waves.CallBody, waves.VehicleBody, waves.EndBody,
    waves.WaveView,
    public.PublicClasses, public.PublicReportBody, public.PublicReport, public.Followed, public.NearbyList,
    CalibrationBody, CalibrationFit, CalibrationView,
    streets.StreetsView,
    orders.OrderBody, orders.EndOrderBody, orders.OrderView, orders.OrderList, orders.ManualWaveBody,
    orders.ManualWaveView, orders.ManualWaveList,
)  # fmt: skip


def components() -> dict[str, Any]:
    """JSON schemas of every body, by name."""
    _, found = msgspec.json.schema_components(BODIES, ref_template=REF)
    return {name: _plain(schema) for name, schema in found.items()}


def _plain(node: Any) -> Any:
    """Tuples as arrays of their length: many tools that read OpenAPI do not know `prefixItems`."""
    if isinstance(node, list):
        return [_plain(one) for one in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _plain(value) for key, value in node.items() if key != "prefixItems"}
    if "prefixItems" in node:
        kinds = [_plain(one) for one in node["prefixItems"]]
        distinct = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
        plain["items"] = distinct[0] if len(distinct) == 1 else {"anyOf": distinct}
    return plain
