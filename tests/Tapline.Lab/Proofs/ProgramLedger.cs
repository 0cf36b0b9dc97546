// The ledger that `tapline engine` and `tapline mirror` print when they end, checked as an operator would: every sum
// balances. In: the JSON object. Out: figures. Any thread.
using System.Text.Json;
using Xunit;

namespace Tapline.Lab.Proofs;

/// <summary>A finished run's ledger with one mirror session.</summary>
internal sealed class ProgramLedger
{
    private readonly JsonElement _mirror;

    private ProgramLedger(JsonElement ledger, JsonElement mirror)
    {
        Whole = ledger;
        _mirror = mirror;
    }

    /// <summary>The session's name.</summary>
    public string Session => _mirror.GetProperty("session").GetString()!;

    public JsonElement Whole { get; }

    public long Offered => Number(_mirror, "offered");

    public long Sent => Number(_mirror, "sent");

    public long SentWireFrames => Number(_mirror, "sent_wire_frames");

    public long Dropped => _mirror.GetProperty("dropped").EnumerateObject().Sum(d => d.Value.GetInt64());

    public long DroppedAs(string reason) => Number(_mirror.GetProperty("dropped"), reason);

    /// <summary>Lost in the rings, before any session was offered them.</summary>
    public long DroppedRing => Number(Whole, "dropped_ring");

    public string Mode => _mirror.GetProperty("mode").GetString()!;

    public static ProgramLedger Parse(string line) => Balanced(JsonDocument.Parse(line).RootElement);

    /// <summary>Takes a ledger; fails the test unless each point's and its one session's sums balance.</summary>
    public static ProgramLedger Balanced(JsonElement ledger) => Assert.Single(BalancedEach(ledger));

    /// <summary>The same for each of several sessions.</summary>
    public static List<ProgramLedger> BalancedEach(JsonElement ledger)
    {
        Assert.False(ledger.TryGetProperty("fault", out var fault), fault.ToString());
        foreach (var point in ledger.GetProperty("points").EnumerateArray())
        {
            Assert.True(
                Number(point, "arrived") == Number(point, "captured") + Number(point, "dropped_ring"), point.GetRawText());
        }

        return [.. ledger.GetProperty("mirrors").EnumerateArray().Select(mirror => Balanced(ledger, mirror))];
    }

    private static ProgramLedger Balanced(JsonElement ledger, JsonElement mirror)
    {
        var of = new ProgramLedger(ledger, mirror);
        Assert.True(
            of.Offered == of.Sent + Number(mirror, "filtered") + Number(mirror, "sampled_out") + of.Dropped,
            mirror.GetRawText());
        if (of.Mode == "user")
        {
            Assert.Equal(Number(ledger, "captured"), of.Offered);
        }

        return of;
    }

    private static long Number(JsonElement of, string field) => of.GetProperty(field).GetInt64();
}
