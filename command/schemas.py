"""The JSON schemas of every body that the API takes or answers, for the OpenAPI document."""

from typing import Any

import msgspec

from command import models, people, records
from command.alarms import models as alarms
from command.answers import REF
from command.routes import retention
from command.webhooks import models as webhooks

BODIES: tuple[type[models.View], ...] = (
    models.ErrorBody, models.SiteView, models.NetworkView, models.IntersectionList, models.IntersectionDetail,
    models.SignalList, models.LaneList, models.CameraList, models.PictureList, models.AgentList,
    models.EventList, models.EventPage, models.Kpis, models.HealthView, models.Samples, records.LaneRecords,
    records.LaneBuckets, records.CountRecords, records.CountBuckets, records.SignalPage, records.CommandPage,
    people.SignInBody, people.LinkBody, people.PasswordBody, people.CodeBody, people.ConfirmBody,
    people.TokenBody, people.AccountBody, people.AccountChange, people.WaysView, people.MeView,
    people.TotpView,
    people.TokenView, people.TokenList, people.AccountView, people.AccountList, people.EntryView,
    people.EntryPage, alarms.AlarmView, alarms.AlarmList, alarms.AlarmEntry, alarms.AlarmDetail,
    alarms.CommentBody, alarms.AssignBody, alarms.SnoozeBody, webhooks.WebhookBody, webhooks.WebhookView,
    webhooks.WebhookList, webhooks.DeliveryView, webhooks.DeliveryList, retention.PolicyView,
    retention.PolicyList,
)  # fmt: skip


def components() -> dict[str, Any]:
    """JSON schemas of every body, by name."""
    _, found = msgspec.json.schema_components(BODIES, ref_template=REF)
    return dict(found)
