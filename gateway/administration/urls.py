"""Every path under /api/admin/."""

from django.urls import path

from gateway.administration import people, switches

urlpatterns = [
    path("people", people.PeopleView.as_view(), name="admin-people"),
    path("people/<int:person_id>", people.PersonView.as_view(), name="admin-person"),
    path("people/<int:person_id>/suspend", people.SuspendView.as_view(), name="admin-suspend"),
    path("people/<int:person_id>/activate", people.ActivateView.as_view(), name="admin-activate"),
    path("people/<int:person_id>/approve", people.ApproveView.as_view(), name="admin-approve"),
    path("people/<int:person_id>/reject", people.RejectView.as_view(), name="admin-reject"),
    path("switches", switches.SwitchesView.as_view(), name="admin-switches"),
]
