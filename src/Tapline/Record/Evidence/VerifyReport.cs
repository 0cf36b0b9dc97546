// What a verification came to. Filled by several threads under its own lock; read when it is over.
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>The result.</summary>
public sealed class VerifyReport
{
    private readonly Lock _gate = new();
    private readonly List<VerifyFinding> _findings = [];
    private readonly List<string> _notes = [];
    private long _bytes;
    private long _segments;
    private long _findingsBeyond;

    /// <summary>Nothing was found that is not as it was sealed.</summary>
    public bool IsIntact => _findings.Count == 0 && !IsStopped;

    /// <summary>It ended before its time: a signal.</summary>
    public bool IsStopped { get; internal set; }

    /// <summary>What was found, by file and place.</summary>
    public IReadOnlyList<VerifyFinding> Findings
    {
        get
        {
            lock (_gate)
            {
                return [.. _findings.OrderBy(f => f.File, StringComparer.Ordinal).ThenBy(f => f.OffsetFirst ?? 0)];
            }
        }
    }

    /// <summary>Findings that are not listed, because there are too many.</summary>
    public long FindingsBeyond => Volatile.Read(ref _findingsBeyond);

    /// <summary>What a reader should know although nothing is wrong with it.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Segments whose bytes were checked. Moves while it runs.</summary>
    public long Segments => Volatile.Read(ref _segments);

    /// <summary>Bytes that were checked. Moves while it runs.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Bytes that are to be checked.</summary>
    public long BytesAll { get; internal set; }

    /// <summary>Segments that retention removed, by its journals.</summary>
    public long Removed { get; internal set; }

    /// <summary>Segments that were sealed as a crash had left them.</summary>
    public long Recovered { get; internal set; }

    /// <summary>Segments that were made from files.</summary>
    public long Imported { get; internal set; }

    /// <summary>Segments that are not proven by a seal, and need not be: from before, or from a pause.</summary>
    public long Unsealed { get; internal set; }

    /// <summary>Segments whose seals are still to come: newer than the last sealed one of a recording that goes on or broke off.</summary>
    public long NotSealedYet { get; internal set; }

    /// <summary>Segments that a rule removed before they were sealed, by the journals.</summary>
    public long RemovedUnsealed { get; internal set; }

    /// <summary>Indexes that were made anew to be compared.</summary>
    public long IndexesMade => _indexesMade;

    /// <summary>Where each chain stands.</summary>
    public IReadOnlyList<VerifiedChain> Chains => ChainList;

    internal List<VerifiedChain> ChainList { get; } = [];

    private long _indexesMade;

    internal void Add(VerifyFinding finding)
    {
        lock (_gate)
        {
            if (_findings.Count < Limits.VerifyFindingsMax)
            {
                _findings.Add(finding);
            }
            else
            {
                _findingsBeyond++;
            }
        }
    }

    /// <summary>Adds what a reader should know.</summary>
    public void Note(string sentence)
    {
        lock (_gate)
        {
            if (_notes.Count < Limits.VerifyFindingsMax)
            {
                _notes.Add(sentence);
            }
        }
    }

    internal void CountSegment() => Interlocked.Increment(ref _segments);

    internal void CountBytes(long bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void CountIndex() => Interlocked.Increment(ref _indexesMade);
}

/// <summary>A chain as the journal has it.</summary>
/// <param name="Folder">Its folder, relative to the recording; empty = the recording's own.</param>
/// <param name="Worker">Whose segments they are.</param>
/// <param name="Chain">Its number.</param>
/// <param name="Sequence">Its last seal's.</param>
/// <param name="Link">Its last seal's link.</param>
public sealed record VerifiedChain(string Folder, int Worker, string Chain, long Sequence, string Link);
