// Follows each chain of seals from its first sequence to where the journal says that it ends: every sequence is there or was removed by
// a rule, every link is that of the seal before. Works on what was read: no files here.
using System.Globalization;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Checks the chains of one folder.</summary>
/// <param name="prefix">What stands before names in findings.</param>
/// <param name="journal">The journal as it was read last.</param>
/// <param name="report">Gets what is found.</param>
internal sealed class ChainVerifier(string prefix, EvidenceJournal journal, VerifyReport report)
{
    private string _others = "";

    /// <summary>Checks a chain.</summary>
    /// <param name="chain">As the journal has it.</param>
    /// <param name="seals">All seals of it, in any order.</param>
    /// <param name="nextBefore">Its next sequence when the folder was about to be listed: what came later need not be there.</param>
    /// <param name="hasOthers">There are seals that can't be believed, and that may be of this chain.</param>
    public void Check(SealChain chain, List<SealedFile> seals, long nextBefore, bool hasOthers)
    {
        _others = hasOthers ? " A seal that can't be believed may be of these." : "";

        seals.Sort((a, b) => a.Seal.Sequence.CompareTo(b.Seal.Sequence));
        var expected = 1L;
        SealedFile? before = null;
        foreach (var seal in seals)
        {
            var sequence = seal.Seal.Sequence;
            if (before is not null && sequence == before.Seal.Sequence)
            {
                report.Add(new VerifyFinding(FindingKind.Foreign, $"{prefix}{seal.Segment} and {before.Segment} are both sealed as "
                    + string.Create(CultureInfo.InvariantCulture, $"number {sequence} of worker {chain.Worker}: one is a copy."))
                    { File = prefix + seal.Segment, SinceNs = seal.StartNs, UntilNs = seal.Seal.SealedNs });
                continue;
            }

            ReportGap(chain, expected, sequence - 1, before, seal);
            CheckLink(chain, before, seal);
            expected = sequence + 1;
            before = seal;
        }

        ReportGap(chain, expected, Math.Min(nextBefore, chain.Next) - 1, before, null);
        CheckTip(chain, before);
        CheckRanges(chain, seals);
    }

    // What is neither there nor removed by a rule, range by range.
    private void ReportGap(SealChain chain, long first, long last, SealedFile? before, SealedFile? after)
    {
        var from = first;
        while (from <= last)
        {
            if (journal.IsRemoved(chain.Id, from, out var range))
            {
                from = range.Last + 1;
                continue;
            }

            var to = last;
            foreach (ref readonly var removed in journal.Removed)
            {
                to = removed.Chain == chain.Id && removed.First > from ? Math.Min(to, removed.First - 1) : to;
            }

            var since = SinceOf(chain, from, before);
            var until = UntilOf(chain, to, after);
            var numbers = from == to ? $"Segment number {from}" : $"Segments number {from} to {to}";
            var why = to < chain.From
                ? $" The journal was lost and begun anew on {TimeText.Text(chain.BeganNs)}: whether a rule removed them is not known."
                : " No rule removed them.";
            report.Add(new VerifyFinding(FindingKind.Missing, string.Create(CultureInfo.InvariantCulture,
                $"{numbers} of worker {chain.Worker}{Where()} {(from == to ? "is" : "are")} missing, ")
                + $"between {Text(since)} and {Text(until)}."
                + (from == to ? why.Replace("them", "it", StringComparison.Ordinal) : why) + _others)
                { SinceNs = since, UntilNs = until });
            from = to + 1;
        }
    }

    // What is known of the time before a gap: when the neighbour was sealed, or was the last one removed.
    private long? SinceOf(SealChain chain, long from, SealedFile? before) =>
        before is not null && before.Seal.Sequence == from - 1 ? before.Seal.SealedNs
        : from > 1 && journal.IsRemoved(chain.Id, from - 1, out var range) ? range.UntilNs
        : before?.Seal.SealedNs ?? chain.BeganNs;

    private long? UntilOf(SealChain chain, long to, SealedFile? after) =>
        journal.IsRemoved(chain.Id, to + 1, out var range) ? range.SinceNs : after?.Seal.SealedNs ?? journal.WrittenNs;

    private void CheckLink(SealChain chain, SealedFile? before, SealedFile seal)
    {
        var sequence = seal.Seal.Sequence;
        Hash256? link = sequence == 1 ? default(Hash256)
            : before is not null && before.Seal.Sequence == sequence - 1 ? before.Seal.Link
            : journal.IsRemoved(chain.Id, sequence - 1, out var range) && range.Last == sequence - 1 ? range.Tip
            : null;
        if (link is { } known && known != seal.Seal.Previous)
        {
            report.Add(new VerifyFinding(FindingKind.Foreign, string.Create(CultureInfo.InvariantCulture,
                $"{prefix}{seal.Segment} is sealed as number {sequence} of worker {chain.Worker}, but not after what stands before it: ")
                + "one of the two was put in the place of another.")
                { File = prefix + seal.Segment, SinceNs = seal.StartNs, UntilNs = seal.Seal.SealedNs });
        }
    }

    private void CheckTip(SealChain chain, SealedFile? last)
    {
        if (last is not null && journal.IsOpen && last.Seal.Sequence == chain.Next && last.Seal.Previous == chain.Tip)
        {
            report.Note($"The journal{Where()} is one seal behind: recording broke off between the two; the next start mends it.");
        }
        else if (last is not null && last.Seal.Sequence >= chain.Next)
        {
            report.Add(new VerifyFinding(FindingKind.Journal, string.Create(CultureInfo.InvariantCulture,
                $"The journal{Where()} of {TimeText.Text(journal.WrittenNs)} ends with number {chain.Next - 1} of worker ")
                + string.Create(CultureInfo.InvariantCulture, $"{chain.Worker}, and segments go on to {last.Seal.Sequence}: ")
                + "an older journal was put in its place, or a power cut has set it back, which the next start mends.")
                { File = prefix + EvidenceJournal.Name, SinceNs = journal.WrittenNs, UntilNs = last.Seal.SealedNs });
        }
        else if (last is not null && last.Seal.Sequence == chain.Next - 1 && last.Seal.Link != chain.Tip)
        {
            report.Add(new VerifyFinding(FindingKind.Foreign, $"{prefix}{last.Segment} is not the segment that the journal ends with: "
                + "it was put in the place of another.")
                { File = prefix + last.Segment, SinceNs = last.StartNs, UntilNs = last.Seal.SealedNs });
        }
    }

    // What was removed must have followed what is still there before it.
    private void CheckRanges(SealChain chain, List<SealedFile> seals)
    {
        foreach (ref readonly var range in journal.Removed)
        {
            var first = range.First;
            var before = range.Before;
            if (range.Chain == chain.Id && seals.Find(s => s.Seal.Sequence == first - 1) is { } seal && seal.Seal.Link != before)
            {
                report.Add(new VerifyFinding(FindingKind.Foreign, $"{prefix}{seal.Segment} is not what stood before the segments that "
                    + "were removed after it: it was put in the place of another.")
                    { File = prefix + seal.Segment, SinceNs = seal.StartNs, UntilNs = seal.Seal.SealedNs });
            }
        }
    }

    private string Where() => prefix.Length == 0 ? "" : $" of {prefix.TrimEnd('/')}";

    private static string Text(long? timeNs) => timeNs is { } time ? TimeText.Text(time) : "?";
}
