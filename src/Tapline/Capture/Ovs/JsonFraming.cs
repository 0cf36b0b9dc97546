// JSON-RPC over a stream has no length and no delimiter (RFC 7047 section 4): a message ends where its outermost brace
// closes. In: bytes as they came, in pieces. Out: where the message ends. Looks at each byte once; keeps no memory.
namespace Tapline.Capture.Ovs;

/// <summary>Finds the end of a JSON object in a stream of bytes. One stream, one thread.</summary>
internal struct JsonFraming
{
    private int _depth;
    private bool _inText;
    private bool _escaped;

    /// <summary>
    /// Looks through bytes that follow those of the call before. Returns the length up to the end of the object, -1 when
    /// it does not end here, -2 when the bytes cannot be the start of one.
    /// </summary>
    public int FindEnd(ReadOnlySpan<byte> bytes)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            if (_inText)
            {
                _inText = _escaped || value != '"';
                _escaped = !_escaped && value == '\\';
                continue;
            }

            switch (value)
            {
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'}' or (byte)']':
                    if (_depth == 0)
                    {
                        return -2;
                    }

                    if (--_depth == 0)
                    {
                        return i + 1;
                    }

                    break;
                case (byte)'"' when _depth > 0:
                    _inText = true;
                    break;
                default:
                    if (_depth == 0 && value > (byte)' ')
                    {
                        return -2;
                    }

                    break;
            }
        }

        return -1;
    }
}
