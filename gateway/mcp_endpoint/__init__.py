"""OMNI2's own MCP endpoint: `/mcp`, and `/mcp/<server>` for one server alone.

    omni2.asgi → entrance   Host and Origin, method, who (API key), body   401, 403, 405, 413, 421
               → server     the SDK's low-level server, both generations of the protocol
               → offers     what this caller is shown         gateway.toolbox
               → calling    tools/call                        gateway.calls, the one door

It keeps nothing between requests: any process answers any of them. Everything that touches the
database runs in `threads`, off the event loop.
"""
