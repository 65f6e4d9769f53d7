"""The protocol loop: one request line in, one answer line out."""

from .answer import Answer
from .document import Document
from .encoding import copied, decode_base64
from .json import read_json
from .lines import LineReader, write_all
from .operations import run_on_document, run_on_request
from .places import Folders
from .rules import (
    IO_FAILURE,
    MAX_DEPTH,
    MAX_REQUEST_DEPTH,
    Rejection,
    codes,
    operations,
    profiles,
)


def serve() raises:
    """Answers the requests on standard input until `bye` or the end of input.

    Raises:
        Error: Standard input or output failed.
    """
    var reader = LineReader(0)
    var answer = Answer()
    var folders = Folders(None, None)
    var open = True
    while open:
        var line = reader.buffered()
        if line:
            open = handle_line(line.take(), folders, answer)
            continue
        # Nothing more can be answered without waiting: now the runner must see what is there.
        write_all(1, answer.bytes)
        answer.bytes.clear()
        if not reader.fill():
            open = False
            var rest = reader.rest()
            if len(rest) > 0:
                _ = handle_line(rest^, folders, answer)
    write_all(1, answer.bytes)


def handle_line(
    var line: List[UInt8], mut folders: Folders, mut answer: Answer
) -> Bool:
    """Answers one request.

    Args:
        line: The request.
        folders: Where files are; a request can change it.
        answer: Receives the answer line, if there is one.

    Returns:
        False after `bye`.
    """
    var request: Document
    try:
        request = read_json(line^, MAX_REQUEST_DEPTH)
    except fault:
        write_error(answer, "", String("the request is not JSON: ", fault))
        return True
    var command = text_member(request, 0, "cmd")
    if command == "run":
        handle_run(request^, folders, answer)
    elif command == "hello":
        folders.root = optional_text(request, "root")
        folders.scratch = optional_text(request, "scratch")
        write_hello(answer)
    elif command == "root":
        folders.root = optional_text(request, "root")
    elif command != "bye":
        write_error(answer, "", String("unknown command '", command, "'"))
    return command != "bye"


def text_member(request: Document, node: Int, name: StaticString) -> String:
    """Reads a string member of a request.

    Args:
        request: The request.
        node: An object.
        name: The member.

    Returns:
        The string, empty where there is none.
    """
    var value = request.member(node, name)
    if value and request.is_string(value.value()):
        return String(request.text(value.value()))
    return ""


def optional_text(request: Document, name: StaticString) -> Optional[String]:
    """Reads a string member that may be absent.

    Args:
        request: The request.
        name: The member.

    Returns:
        The string, None where there is none.
    """
    var value = request.member(0, name)
    if value and request.is_string(value.value()):
        return String(request.text(value.value()))
    return None


def write_hello(mut answer: Answer):
    """Introduces this backend.

    Args:
        answer: Receives the line.
    """
    answer.raw(
        '{"protocol":1,"name":"mojo","version":"0.1.0","language":"Mojo","ops":['
    )
    for name in operations():
        answer.string(name)
    answer.raw('],"codes":[')
    for code in codes():
        answer.string(code)
    answer.raw('],"profiles":[')
    for name in profiles():
        answer.string(name)
    answer.raw("]}\n")


def write_error(mut answer: Answer, id: StringSpan, message: StringSpan):
    """Admits that this backend has failed.

    Args:
        answer: Receives the line.
        id: The request.
        message: What went wrong.
    """
    answer.raw('{"id":')
    answer.string(id)
    answer.raw(',"verdict":"error","message":')
    answer.string(message)
    answer.raw("}\n")


def write_rejection(mut answer: Answer, id: StringSpan, rejection: Rejection):
    """Rejects the datum under test.

    Args:
        answer: Receives the line.
        id: The request.
        rejection: The broken rule.
    """
    answer.raw('{"id":')
    answer.string(id)
    answer.raw(',"verdict":"reject","code":')
    answer.string(rejection.code)
    answer.raw(',"path":')
    answer.string(rejection.path)
    answer.raw(',"message":')
    answer.string(rejection.message)
    answer.raw("}\n")


def write_unsupported(mut answer: Answer, id: StringSpan, reason: StringSpan):
    """Declines a request.

    Args:
        answer: Receives the line.
        id: The request.
        reason: What is not known here.
    """
    answer.raw('{"id":')
    answer.string(id)
    answer.raw(',"verdict":"unsupported","reason":')
    answer.string(reason)
    answer.raw("}\n")


def handle_run(var request: Document, folders: Folders, mut answer: Answer):
    """Answers a `run` request with a verdict.

    Args:
        request: The request.
        folders: Where files are.
        answer: Receives the line.
    """
    var id = text_member(request, 0, "id")
    var operation = text_member(request, 0, "op")
    request.root = request.member(0, "input").or_else(0)
    var reason = unsupported(operation, request)
    if reason:
        return write_unsupported(answer, id, reason.value())
    try:
        var text = tested_text(request)
        request.root = request.member(request.root, "document").or_else(
            request.root
        )
        answer_run(id, operation, request, text^, folders, answer)
    except malformed:
        write_error(answer, id, String(malformed))


def unsupported(operation: String, request: Document) -> Optional[String]:
    """Tells why this backend does not know a request.

    Args:
        operation: The name of the operation.
        request: The request, its root the input.

    Returns:
        The reason, or None for a request that is known.
    """
    var profile = request.member(request.root, "profile")
    if profile and not request.is_one_of(profile.value(), profiles()):
        return String("profile ", request.describe(profile.value()))
    for name in operations():
        if operation == name:
            return None
    return String("operation '", operation, "'")


def tested_text(request: Document) raises -> Optional[List[UInt8]]:
    """Extracts the text under test.

    Args:
        request: The request, its root the input.

    Returns:
        The bytes of `text` or `base64`, or None where the input has neither.

    Raises:
        Error: The base64 is malformed.
    """
    var text = request.member(request.root, "text")
    if text:
        return copied(request.text(text.value()).as_bytes())
    var base64 = request.member(request.root, "base64")
    if base64:
        return decode_base64(request.text(base64.value()).as_bytes())
    return None


def answer_run(
    id: String,
    operation: String,
    mut request: Document,
    var text: Optional[List[UInt8]],
    folders: Folders,
    mut answer: Answer,
):
    """Runs an operation and writes its verdict.

    Args:
        id: The request.
        operation: One of `operations()`.
        request: The request, its root the input.
        text: The text under test, if there is one.
        folders: Where files are.
        answer: Receives the line.
    """
    var start = len(answer.bytes)
    answer.raw('{"id":')
    answer.string(id)
    answer.raw(',"verdict":"accept","output":{')
    try:
        if text:
            var document = read_json(text.take(), MAX_DEPTH)
            run_on_document(operation, document, answer)
        else:
            run_on_request(operation, request, folders, answer)
        answer.raw("}}\n")
    except rejection:
        answer.bytes.shrink(start)
        if rejection.code == IO_FAILURE:
            write_error(answer, id, rejection.message)
        else:
            write_rejection(answer, id, rejection)
