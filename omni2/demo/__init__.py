"""The demo: real MCP servers of other people, sample data, and three questions with known answers.

It lives in `.demo` alone and never reads or writes a deployment's `.env` or `data`.
"""
