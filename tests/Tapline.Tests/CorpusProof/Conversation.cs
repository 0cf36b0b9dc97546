// One conversation by our count or by tshark's, oriented by endpoints so that both can be laid side by side.
namespace Tapline.Tests.CorpusProof;

/// <summary>Frames and bytes between two endpoints; <c>A</c> compares lower.</summary>
internal sealed class Conversation(Endpoint a, Endpoint b)
{
    public Endpoint A { get; } = a;

    public Endpoint B { get; } = b;

    public long StartNs { get; set; } = long.MaxValue;

    public long FramesA { get; set; }

    public long FramesB { get; set; }

    public long BytesA { get; set; }

    public long BytesB { get; set; }

    /// <summary>TCP health by column name of tcp_health.tsv without its direction, A's side first.</summary>
    public Dictionary<string, (long A, long B)> Health { get; } = [];

    public long InitialRttNs { get; set; } = -1;

    public int Merged { get; set; } = 1;

    public (Endpoint A, Endpoint B) Pair => (A, B);

    /// <summary>Adds another conversation of the same pair (tshark does not tell tenants apart).</summary>
    public void Merge(Conversation other)
    {
        StartNs = Math.Min(StartNs, other.StartNs);
        FramesA += other.FramesA;
        FramesB += other.FramesB;
        BytesA += other.BytesA;
        BytesB += other.BytesB;
        foreach (var (name, value) in other.Health)
        {
            var mine = Health.GetValueOrDefault(name);
            Health[name] = (mine.A + value.A, mine.B + value.B);
        }

        Merged += other.Merged;
        InitialRttNs = Math.Max(InitialRttNs, other.InitialRttNs);
    }

    public override string ToString() => $"{A} {B}";
}
