"""Every path under /api/admin/."""

from django.urls import path

from gateway.administration import people

urlpatterns = [
    path("people", people.PeopleView.as_view(), name="admin-people"),
    path("people/<int:person_id>", people.PersonView.as_view(), name="admin-person"),
]
