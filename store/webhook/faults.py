"""Why an attempt failed, in words that anybody may read.

They are ours: what the library says of its errors can hold the URL, and the URL can be a secret.
"""

import ssl

import aiohttp


def refusal(status: int) -> str | None:
    """What is wrong with an answer; None: it was taken."""
    if 200 <= status < 300:
        return None
    redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
    return f"the receiver answered {status}{redirect}"


def trouble(error: Exception, patience_s: float) -> str:
    """What kept the message from being answered."""
    match error:
        case TimeoutError():
            return f"the receiver did not answer within {patience_s:g} s"
        case aiohttp.ClientConnectorCertificateError() | ssl.CertificateError():
            return "the receiver's certificate is not trusted"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return "no secure connection to the receiver"
        case aiohttp.ClientConnectorDNSError():
            return "the receiver's host name is not known"
        case aiohttp.ClientConnectorError():
            return "no connection to the receiver"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return "the connection to the receiver broke"
        case aiohttp.ClientError():
            return "the receiver's answer is no HTTP"
        case _:
            return f"the message could not be sent ({type(error).__name__})"
