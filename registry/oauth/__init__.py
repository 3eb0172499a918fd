"""OAuth 2.1 as a client of MCP servers: what is asked of whom, and what may be believed of it.

The SDK's `OAuthClientProvider` is made for one person at one screen: it waits, inside one request,
for a browser to come back. Here the browser comes back to another process, and tokens are many
people's. So of the SDK only the rules are used: where metadata lies, what an issuer and a resource
must equal. These modules know no Django and keep nothing; `registry.connecting` and
`registry.tokens` do. They load the SDK.
"""
