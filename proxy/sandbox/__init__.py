"""A model API that lives on this machine: for `tollbook demo` and for tests, never for answers worth having.

It speaks the wire formats of OpenAI, Anthropic and Gemini well enough that their official SDKs work against it
unchanged. A pure middle (`answering.answer`: request in, `Answer` out) decides every byte; a thin ring (`server`)
owns the socket. The same request, moment and number always give the same bytes.

It refuses to check credentials (one that contains `invalid` gets a 401), to know which models exist (any name is
answered, aliases as their dated ids) and to keep state between requests.

Behaviours are asked for in the header `x-sandbox: KEY, KEY=VALUE` or after a plus sign in the model's name
(`gpt-4o-mini+status=429+slow=2`); the plus part is not echoed in the answer.

| key                | does                                                                                     |
|--------------------|------------------------------------------------------------------------------------------|
| `status=N`         | answers N (400 to 599) in the dialect's own error shape; 429 carries `retry-after`       |
| `error-in-stream`  | half of the stream, then the dialect's error event, then a clean end; whole: a 500       |
| `cut-stream`       | half of the stream's events, then the connection is aborted; whole: as `cut-body`        |
| `cut-body`         | half of the body's bytes (of a stream: in the middle of an event), then an abort         |
| `silence`          | reads the request and never answers                                                      |
| `stall`            | half of the body, then nothing more, with the connection left open                       |
| `slow=SECONDS`     | the answer takes so long: before a whole one, spread between the pieces of a stream      |
| `delay-final=SECONDS` | all bytes, then so long a wait before the final zero chunk (the answer is sent chunked) |
| `no-usage`         | leaves every count out of the answer                                                     |
| `chunk=BYTES`      | cuts the body anew into pieces of so many bytes, across events and characters            |
| `gzip`             | compresses the answer, streams included (each piece flushed)                             |

Tokens are counted by rule (`counting`), so a test can say what must come out.
"""
