"""Every path under /api/admin/."""

from django.urls import path

from gateway.administration import matrix, people, policy, switches

urlpatterns = [
    path("people", people.PeopleView.as_view(), name="admin-people"),
    path("people/<int:person_id>", people.PersonView.as_view(), name="admin-person"),
    path("people/<int:person_id>/suspend", people.SuspendView.as_view(), name="admin-suspend"),
    path("people/<int:person_id>/activate", people.ActivateView.as_view(), name="admin-activate"),
    path("people/<int:person_id>/approve", people.ApproveView.as_view(), name="admin-approve"),
    path("people/<int:person_id>/reject", people.RejectView.as_view(), name="admin-reject"),
    path("policy/matrix", matrix.MatrixView.as_view(), name="admin-matrix"),
    path("policy/matrix.csv", matrix.MatrixFileView.as_view(), name="admin-matrix-csv"),
    path("switches", switches.SwitchesView.as_view(), name="admin-switches"),
    path("policy/versions", policy.VersionsView.as_view(), name="admin-policy-versions"),
    path("policy/versions/compare", policy.CompareView.as_view(), name="admin-policy-compare"),
    path(
        "policy/versions/<int:version_id>",
        policy.VersionView.as_view(),
        name="admin-policy-version",
    ),
    path(
        "policy/versions/<int:version_id>/rollback",
        policy.RollbackView.as_view(),
        name="admin-policy-rollback",
    ),
]
