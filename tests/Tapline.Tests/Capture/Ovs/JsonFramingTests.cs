// Where a message ends must not depend on how its bytes arrive, nor on what stands inside its texts.
using System.Text;
using System.Text.Json;
using CsCheck;
using Tapline.Capture.Ovs;
using Xunit;

namespace Tapline.Tests.Capture.Ovs;

public class JsonFramingTests
{
    [Theory]
    [InlineData("{}", 2)]
    [InlineData("{\"a\":[1,{\"b\":2}]}{", 17)]
    [InlineData(" \n{\"a\":\"}\"}x", 11)]
    [InlineData("{\"a\":\"\\\"}\"}", 11)]
    [InlineData("{\"a\":\"\\\\\"}", 10)]
    [InlineData("[]", 2)]
    [InlineData("{\"a\":", -1)]
    [InlineData("", -1)]
    [InlineData("}", -2)]
    [InlineData("HTTP/1.1 400", -2)]
    [InlineData("\"text\"", -2)]
    public void TheEndOfTheOutermostBraceIsTheEnd(string text, int end)
    {
        var framing = default(JsonFraming);
        Assert.Equal(end, framing.FindEnd(Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    public void PiecesGiveTheSameMessagesAsTheWhole() => Gen.Select(Gen.String.Array[0, 5], Gen.Int[1, 9])
        .Sample((texts, step) =>
    {
        var stream = Encoding.UTF8.GetBytes(string.Concat(texts.Select((t, i) => JsonSerializer.Serialize(new { i, t,
            deep = new[] { t } }))));
        var framing = default(JsonFraming);
        var ends = new List<int>();
        var scanned = 0;
        while (scanned < stream.Length)
        {
            var piece = Math.Min(step, stream.Length - scanned);
            var end = framing.FindEnd(stream.AsSpan(scanned, piece));
            Assert.NotEqual(-2, end);
            scanned += end < 0 ? piece : end;
            if (end >= 0)
            {
                ends.Add(scanned);
            }
        }

        Assert.Equal(texts.Length, ends.Count);
        var start = 0;
        for (var i = 0; i < ends.Count; i++)
        {
            using var message = JsonDocument.Parse(stream.AsMemory(start, ends[i] - start));
            Assert.Equal(i, message.RootElement.GetProperty("i").GetInt32());
            start = ends[i];
        }
    });
}
