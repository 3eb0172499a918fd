"""REST services as servers: an OpenAPI document in, tools out, and each call as an HTTP request.

`reading` takes the text, `document` the parts of it, `schemas` its JSON Schemas, `operations` makes
tools. What a tool needs to be called stands in the tool itself (`operation`), so that the request
that goes out is the one whose fingerprint was accepted, whatever the document says by then:
`requests` writes it, `results` reads the answer, `connection` stands where an MCP connection does.
Nothing here knows Django.
"""
