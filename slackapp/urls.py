"""Slack's one path."""

from django.urls import path

from slackapp import views

urlpatterns = [path("slack/events", views.events, name="slack-events")]
