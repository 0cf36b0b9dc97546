// The journal of a folder's seals, `evidence.json`: where each chain stands and what retention has removed. Bounded: ranges that touch
// become one, and beyond their limit the two nearest of a chain do. Signed as a whole and replaced by rename, so a reader never sees
// half of it. Not thread-safe; FolderEvidence guards it.
using System.Text;
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Chains and removals of one folder.</summary>
internal sealed class EvidenceJournal
{
    public const string Name = "evidence.json";
    private const int Version = 1;
    private readonly List<SealChain> _chains = [];
    private readonly List<(long SinceNs, long UntilNs)> _pauses = [];
    private readonly RemovedRange[] _removed = new RemovedRange[Limits.RemovedRangesMax + 1];
    private int _ranges;

    /// <summary>Chains; the last one of a worker is the one that goes on.</summary>
    public IReadOnlyList<SealChain> Chains => _chains;

    /// <summary>Removals, by chain and sequence.</summary>
    public ReadOnlySpan<RemovedRange> Removed => _removed.AsSpan(0, _ranges);

    /// <summary>How often it was written.</summary>
    public long Generation { get; set; }

    /// <summary>When it was written last, ns since the epoch.</summary>
    public long WrittenNs { get; private set; }

    /// <summary>The key that signed it.</summary>
    public Hash256 Key { get; private set; }

    /// <summary>A recorder seals here, or had not sealed all when it ended: newer segments than the last sealed one may be waiting for
    /// their seals. False = it ended with everything sealed, so that what has no seal was put there.</summary>
    public bool IsOpen { get; set; } = true;

    /// <summary>Segments that a rule removed before they were sealed: nothing vouches for them.</summary>
    public long RemovedUnsealed { get; set; }

    /// <summary>When segments were recorded without seals on purpose, ns since the epoch; a pause that goes on has no end.</summary>
    public IReadOnlyList<(long SinceNs, long UntilNs)> Pauses => _pauses;

    /// <summary>Begins or ends a pause, where that is a change.</summary>
    public void Pause(bool isPaused, long nowNs)
    {
        var isOpen = _pauses.Count > 0 && _pauses[^1].UntilNs == long.MaxValue;
        if (isPaused && !isOpen)
        {
            _pauses.Add((nowNs, long.MaxValue));
        }
        else if (!isPaused && isOpen)
        {
            _pauses[^1] = (_pauses[^1].SinceNs, nowNs);
        }

        if (_pauses.Count > Limits.SealChainsMax)
        {
            _pauses[0] = (_pauses[0].SinceNs, _pauses[1].UntilNs);
            _pauses.RemoveAt(1);
        }
    }

    /// <summary>Segments of a time were recorded without seals on purpose.</summary>
    public bool IsPaused(long startNs)
    {
        foreach (var (sinceNs, untilNs) in _pauses)
        {
            if (startNs >= sinceNs && startNs <= untilNs)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A segment without a seal may be one that waits for it: newer than the last that its worker has sealed.</summary>
    /// <param name="name">The segment.</param>
    /// <param name="lastSequence">The highest sequence of the worker's chain of which a seal is there; 0 = there is none.</param>
    /// <param name="lastNs">Time in that seal's name.</param>
    public bool MayWait(in SegmentName name, long lastSequence, long lastNs)
    {
        if (!IsOpen || LastOf(name.Worker) is not { } chain || IsPaused(name.StartNs))
        {
            return false;
        }

        foreach (ref readonly var range in Removed)
        {
            if (range.Chain == chain.Id && range.Last > lastSequence)
            {
                (lastSequence, lastNs) = (range.Last, range.UntilNs);
            }
        }

        return lastSequence == 0 || name.StartNs > lastNs;
    }

    public SealChain? Find(UInt128 chain)
    {
        for (var index = 0; index < _chains.Count; index++)
        {
            if (_chains[index].Id == chain)
            {
                return _chains[index];
            }
        }

        return null;
    }

    /// <summary>The chain that a worker goes on with.</summary>
    public SealChain? LastOf(ushort worker) => _chains.FindLast(c => c.Worker == worker);

    /// <summary>False when there are too many.</summary>
    public bool TryAdd(SealChain chain)
    {
        if (_chains.Count >= Limits.SealChainsMax)
        {
            return false;
        }

        _chains.Add(chain);
        return true;
    }

    /// <summary>True when a sequence lies in a range; <paramref name="range"/> is it.</summary>
    public bool IsRemoved(UInt128 chain, long sequence, out RemovedRange range)
    {
        range = default;
        var place = PlaceOf(chain, sequence);
        if (place == _ranges || _removed[place].Chain != chain || _removed[place].First > sequence)
        {
            return false;
        }

        range = _removed[place];
        return true;
    }

    /// <summary>Notes a removal; no allocation.</summary>
    public void Remove(in SegmentSeal seal, long startNs, RemovalReason reason, long nowNs)
    {
        var place = PlaceOf(seal.Chain, seal.Sequence);
        if (place < _ranges && _removed[place].Chain == seal.Chain && _removed[place].First <= seal.Sequence)
        {
            return; // noted before, and then not removed
        }

        Insert(place, new RemovedRange
        {
            Chain = seal.Chain, First = seal.Sequence, Last = seal.Sequence, Before = seal.Previous, Tip = seal.Link,
            SinceNs = startNs, UntilNs = startNs, RemovedNs = nowNs,
            Budget = reason == RemovalReason.Budget ? 1 : 0,
            Age = reason == RemovalReason.Age ? 1 : 0,
            FreeDisk = reason == RemovalReason.FreeDisk ? 1 : 0,
        });
        TryJoin(place, isForced: false);
        if (place > 0)
        {
            TryJoin(place - 1, isForced: false);
        }

        if (_ranges > Limits.RemovedRangesMax)
        {
            JoinNearest();
        }
    }

    /// <summary>Composes and signs it.</summary>
    public void Write(SignedText text, NodeKey key, long nowNs)
    {
        Generation++;
        WrittenNs = nowNs;
        text.Clear().Add("{\"tapline\":\"journal\",\"version\":1,\n\"generation\":"u8).Add(Generation)
            .Add(",\"written\":\""u8).AddTime(nowNs)
            .Add("\",\"open\":"u8).Add(IsOpen ? "true"u8 : "false"u8)
            .Add(",\n\"key\":\""u8).Add(key.Id).Add("\",\n\"chains\":["u8);
        for (var index = 0; index < _chains.Count; index++)
        {
            var chain = _chains[index];
            text.Add(index == 0 ? "\n"u8 : ",\n"u8)
                .Add("{\"chain\":\""u8).AddId(chain.Id).Add("\",\"worker\":"u8).Add(chain.Worker)
                .Add(",\"from\":"u8).Add(chain.From).Add(",\"began\":\""u8).AddTime(chain.BeganNs)
                .Add("\",\"next\":"u8).Add(chain.Next).Add(",\"tip\":\""u8).Add(chain.Tip).Add("\"}"u8);
        }

        text.Add("],\n\"removed\":["u8);
        for (var index = 0; index < _ranges; index++)
        {
            ref readonly var range = ref _removed[index];
            text.Add(index == 0 ? "\n"u8 : ",\n"u8)
                .Add("{\"chain\":\""u8).AddId(range.Chain).Add("\",\"first\":"u8).Add(range.First).Add(",\"last\":"u8).Add(range.Last)
                .Add(",\"before\":\""u8).Add(range.Before).Add("\",\"tip\":\""u8).Add(range.Tip)
                .Add("\",\"since\":\""u8).AddTime(range.SinceNs).Add("\",\"until\":\""u8).AddTime(range.UntilNs)
                .Add("\",\"budget\":"u8).Add(range.Budget).Add(",\"age\":"u8).Add(range.Age)
                .Add(",\"free_disk\":"u8).Add(range.FreeDisk).Add(",\"removed\":\""u8).AddTime(range.RemovedNs).Add("\"}"u8);
        }

        text.Add("],\n\"removed_unsealed\":"u8).Add(RemovedUnsealed).Add(",\n\"pauses\":["u8);
        for (var index = 0; index < _pauses.Count; index++)
        {
            text.Add(index == 0 ? "\n{\"since\":\""u8 : ",\n{\"since\":\""u8).AddTime(_pauses[index].SinceNs).Add("\",\"until\":"u8);
            _ = _pauses[index].UntilNs == long.MaxValue ? text.Add("null}"u8)
                : text.Add("\""u8).AddTime(_pauses[index].UntilNs).Add("\"}"u8);
        }

        _ = text.Add("],\n"u8).Sign(key);
    }

    /// <summary>Reads a journal that one of the keys has signed; null and what is wrong as a half sentence.</summary>
    public static EvidenceJournal? TryRead(ReadOnlyMemory<byte> text, PublicKeys keys, out string? mistake)
    {
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 4 });
            var root = document.RootElement;
            if (root.GetProperty("tapline").GetString() != "journal" || root.GetProperty("version").GetInt32() != Version)
            {
                mistake = "it is no journal of seals that this version knows";
                return null;
            }

            var key = Hash(root, "key");
            if (!keys.Knows(key))
            {
                mistake = $"it was signed by the key {key}, which is not among those trusted";
                return null;
            }

            if (!SignedText.IsSigned(text.Span, key, keys))
            {
                mistake = "its signature is wrong: it was altered";
                return null;
            }

            var journal = new EvidenceJournal
            {
                Generation = root.GetProperty("generation").GetInt64(), WrittenNs = Time(root, "written"), Key = key,
                IsOpen = !root.TryGetProperty("open", out var open) || open.GetBoolean(),
                RemovedUnsealed = root.TryGetProperty("removed_unsealed", out var unsealed) ? unsealed.GetInt64() : 0,
            };
            mistake = journal.TryReadLists(root) ? null : "its chains or removals contradict each other, or are too many";
            return mistake is null ? journal : null;
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            mistake = $"it is not the text that Tapline writes ({e.Message.ReplaceLineEndings(" ")})";
            return null;
        }
    }

    private bool TryReadLists(JsonElement root)
    {
        foreach (var item in root.GetProperty("chains").EnumerateArray())
        {
            var chain = new SealChain
            {
                Id = Id(item), Worker = item.GetProperty("worker").GetUInt16(), From = item.GetProperty("from").GetInt64(),
                BeganNs = Time(item, "began"), Next = item.GetProperty("next").GetInt64(), Tip = Hash(item, "tip"),
            };
            if (chain.From < 1 || chain.Next < chain.From || Find(chain.Id) is not null || !TryAdd(chain))
            {
                return false;
            }
        }

        foreach (var item in root.GetProperty("removed").EnumerateArray())
        {
            var range = new RemovedRange
            {
                Chain = Id(item), First = item.GetProperty("first").GetInt64(), Last = item.GetProperty("last").GetInt64(),
                Before = Hash(item, "before"), Tip = Hash(item, "tip"), SinceNs = Time(item, "since"), UntilNs = Time(item, "until"),
                Budget = item.GetProperty("budget").GetInt64(), Age = item.GetProperty("age").GetInt64(),
                FreeDisk = item.GetProperty("free_disk").GetInt64(), RemovedNs = Time(item, "removed"),
            };
            if (_ranges == Limits.RemovedRangesMax || range.First < 1 || range.Last < range.First
                || Find(range.Chain) is not { } chain || range.Last >= chain.Next
                || IsRemoved(range.Chain, range.First, out _) || IsRemoved(range.Chain, range.Last, out _))
            {
                return false;
            }

            Insert(PlaceOf(range.Chain, range.First), range);
        }

        foreach (var item in root.GetProperty("pauses").EnumerateArray())
        {
            var isOpen = item.GetProperty("until").ValueKind == JsonValueKind.Null;
            _pauses.Add((Time(item, "since"), isOpen ? long.MaxValue : Time(item, "until")));
        }

        return _pauses.Count <= Limits.SealChainsMax;
    }

    // The first range that ends at or after a sequence.
    private int PlaceOf(UInt128 chain, long sequence)
    {
        var (low, high) = (0, _ranges);
        while (low < high)
        {
            var middle = (low + high) / 2;
            ref readonly var range = ref _removed[middle];
            if (range.Chain < chain || (range.Chain == chain && range.Last < sequence))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void Insert(int place, in RemovedRange range)
    {
        _removed.AsSpan(place, _ranges - place).CopyTo(_removed.AsSpan(place + 1));
        _removed[place] = range;
        _ranges++;
    }

    // Makes one of a range and the next where nothing lies between them, or in any case.
    private void TryJoin(int place, bool isForced)
    {
        if (place + 1 >= _ranges)
        {
            return;
        }

        ref var left = ref _removed[place];
        ref readonly var right = ref _removed[place + 1];
        if (left.Chain != right.Chain || (left.Last + 1 != right.First && !isForced))
        {
            return;
        }

        left.Last = right.Last;
        left.Tip = right.Tip;
        left.UntilNs = right.UntilNs;
        left.Budget += right.Budget;
        left.Age += right.Age;
        left.FreeDisk += right.FreeDisk;
        left.RemovedNs = Math.Max(left.RemovedNs, right.RemovedNs);
        _ranges--;
        _removed.AsSpan(place + 2, _ranges - place - 1).CopyTo(_removed.AsSpan(place + 1));
    }

    // What is still there between two ranges then counts as removed: it is still checked where it is found, and not missed where not.
    private void JoinNearest()
    {
        var (nearest, gap) = (-1, long.MaxValue);
        for (var place = 0; place + 1 < _ranges; place++)
        {
            var between = _removed[place + 1].First - _removed[place].Last;
            if (_removed[place].Chain == _removed[place + 1].Chain && between < gap)
            {
                (nearest, gap) = (place, between);
            }
        }

        // More ranges than chains: two of them are of one chain.
        Invariant.Check(nearest >= 0);
        TryJoin(nearest, isForced: true);
    }

    private static UInt128 Id(JsonElement item) =>
        SealText.TryReadId(Bytes(item, "chain"), out var id) ? id : throw new FormatException("a chain's number is none");

    private static Hash256 Hash(JsonElement item, string name) =>
        Hash256.TryReadHex(Bytes(item, name), out var hash) ? hash : throw new FormatException($"{name} is no SHA-256");

    private static long Time(JsonElement item, string name) =>
        SignedText.TryReadTime(Bytes(item, name), out var time) ? time : throw new FormatException($"{name} is no time");

    private static byte[] Bytes(JsonElement item, string name) => Encoding.UTF8.GetBytes(item.GetProperty(name).GetString() ?? "");
}
