"""Our own small MCP client: the official SDK inside, a synchronous face outside.

`client.connections` is the face. A call goes client → loop (one thread a process) → connection (one
a server) → the SDK's dispatcher → transport (HTTP) or stdio (a child). Where a connection has found
an HTTP server of the stateless generation, a call goes client → direct → wire instead: the calling
thread asks by itself. `guard` decides which addresses may be dialled, `parsing` which bytes count
as an answer. Nothing here knows Django.
"""
