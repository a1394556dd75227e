"""What Schemathesis has to be told of the API: a component is sent as it is."""

import schemathesis

schemathesis.serializer.alias("application/wasm", "application/octet-stream")
