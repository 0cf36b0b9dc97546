// Standard output for answers: a large buffer of UTF-8 bytes, so that a hundred thousand lines are a few hundred writes.
using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Tapline.Server.Commands;

/// <summary>Buffered standard output for text and JSON lines. One thread.</summary>
internal sealed class AnswerOutput : IDisposable
{
    private const int FlushBytes = 256 * 1024;
    private readonly Stream _stream;
    private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushBytes);
    private readonly Utf8JsonWriter _json;

    public AnswerOutput()
        : this(Console.OpenStandardOutput())
    {
    }

    internal AnswerOutput(Stream stream)
    {
        _stream = stream;

        // Names of interfaces and files are escaped as JSON demands; HTML's rules would only make them unreadable.
        _json = new Utf8JsonWriter(_buffer, new JsonWriterOptions
        {
            SkipValidation = true,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
    }

    /// <summary>A JSON writer at the start of a line; the object it writes is ended by <see cref="EndJsonLine"/>.</summary>
    public Utf8JsonWriter BeginJsonLine()
    {
        _json.Reset();
        return _json;
    }

    public void EndJsonLine()
    {
        _json.Flush();
        _buffer.GetSpan(1)[0] = (byte)'\n';
        _buffer.Advance(1);
        FlushWhenLarge();
    }

    public void Line(string text = "")
    {
        Encoding.UTF8.GetBytes(text, _buffer);
        _buffer.Write("\n"u8);
        FlushWhenLarge();
    }

    public void Flush()
    {
        _stream.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        _stream.Flush();
    }

    public void Dispose() => _json.Dispose();

    private void FlushWhenLarge()
    {
        if (_buffer.WrittenCount >= FlushBytes)
        {
            Flush();
        }
    }
}
