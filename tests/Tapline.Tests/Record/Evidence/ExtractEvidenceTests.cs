// Manifests of extracts: what they state, openssl's word on their signature, and every change that somebody may make. And indexes: one that
// its packets do not give is found, one that was made later from them is not an alarm.
using System.Text.Json;
using Tapline.Base;
using Tapline.Record.Evidence;
using Tapline.Record.Extract;
using Tapline.Record.Index;
using Tapline.Tests.Support;
using Tapline.Workers.Indexing;
using Xunit;

namespace Tapline.Tests.Record.Evidence;

public class ExtractEvidenceTests
{
    [Fact]
    public void AManifestStatesWhatTheExtractIsAndOpensslAgrees()
    {
        using var recording = new SealedRecording();
        recording.Record(2, frames: 3);
        var file = Write(recording, recording.Key, "tcp or \"quoted\" ü");
        var manifest = file + ExtractManifest.Ending;
        Assert.Contains("Verified OK", Openssl.Verify(manifest, recording.PublicKey));
        var root = JsonDocument.Parse(File.ReadAllBytes(manifest)).RootElement;
        Assert.Equal("tcp or \"quoted\" ü", root.GetProperty("query").GetProperty("expression").GetString());
        Assert.Equal(6, root.GetProperty("frames").GetInt32());
        Assert.True(root.GetProperty("complete").GetBoolean());
        Assert.Equal("me", root.GetProperty("by").GetProperty("user").GetString());
        Assert.StartsWith(root.GetProperty("sha256").GetString()!, Openssl.Run($"sha256sum '{file}'"));
        var segments = root.GetProperty("segments").EnumerateArray().ToList();
        Assert.Equal(recording.Segments.Select(Path.GetFileName), segments.Select(s => s.GetProperty("segment").GetString()));
        Assert.StartsWith(
            segments[1].GetProperty("seal").GetString()!,
            Openssl.Run($"head -n -1 '{SealedRecording.SealOf(recording.Segments[1])}' | sha256sum"));
        Assert.True(Verify(recording, file).IsIntact);
        Assert.True(ExtractVerifier.Run(file, null, null).IsIntact);
    }

    [Fact]
    public void EveryFlippedBitOfExtractOrManifestIsFound()
    {
        using var recording = new SealedRecording();
        recording.Record(1, frames: 2);
        var file = Write(recording, recording.Key, "");
        var random = new Random(5);
        foreach (var path in new[] { file, file + ExtractManifest.Ending })
        {
            var whole = File.ReadAllBytes(path);
            for (var turn = 0; turn < 60; turn++)
            {
                TamperTests.Flip(path, turn == 0 ? 0 : turn == 1 ? whole.Length - 1 : random.Next(whole.Length), random);
                Assert.False(Verify(recording, file).IsIntact);
                File.WriteAllBytes(path, whole[..random.Next(whole.Length)]);
                Assert.False(Verify(recording, file).IsIntact);
                File.WriteAllBytes(path, whole);
            }
        }

        Assert.True(Verify(recording, file).IsIntact);
        using var other = new SealedRecordingKey();
        using var keys = PublicKeys.TryRead(other.Path, out _);
        Assert.Equal(FindingKind.Seal, Assert.Single(ExtractVerifier.Run(file, keys, null).Findings).Kind);
        File.Delete(file + ExtractManifest.Ending);
        Assert.Equal(FindingKind.Missing, Assert.Single(Verify(recording, file).Findings).Kind);
    }

    [Fact]
    public void AnUnsignedManifestSaysWhyAndProvesNothingToWhoHasAKey()
    {
        using var recording = new SealedRecording();
        recording.Record(1, frames: 2);
        var file = Write(recording, null, "");
        var report = ExtractVerifier.Run(file, null, null);
        Assert.True(report.IsIntact);
        Assert.Contains(report.Notes, n => n.Contains("no \"key\" here", default));
        Assert.Contains("not signed", Assert.Single(Verify(recording, file).Findings).Sentence);
    }

    [Fact]
    public void ASourceThatWasSealedAnewIsFound()
    {
        using var recording = new SealedRecording();
        recording.Record(1, frames: 2);
        var file = Write(recording, recording.Key, "");
        var seal = SealedRecording.SealOf(recording.Segments[0]);
        File.WriteAllText(seal, File.ReadAllText(seal).Replace("\"sequence\":1", "\"sequence\":2", StringComparison.Ordinal));
        Assert.Equal(FindingKind.Foreign, Assert.Single(Verify(recording, file).Findings).Kind);
    }

    [Fact]
    public void AnIndexIsProvenByItsPacketsWhereNoSealCoversIt()
    {
        using var recording = new SealedRecording();
        recording.Record(2, frames: 3);
        foreach (var segment in recording.Segments)
        {
            Assert.True(SegmentIndexer.TryIndex(segment, out var sentence), sentence);
        }

        using var keys = PublicKeys.TryRead(recording.PublicKey, out _)!;
        var options = new VerifyOptions
        {
            Folder = "", Keys = keys, MakeIndex = (segment, index) => SegmentIndexer.TryIndex(segment, out _, default, index),
        };
        var report = recording.Verify(options);
        Assert.True(report.IsIntact, SealedRecording.Sentences(report));
        Assert.Equal(2, report.IndexesMade);
        var altered = SegmentIndex.PathOf(recording.Segments[1]);
        TamperTests.Flip(altered, new FileInfo(altered).Length / 2, new Random(1));
        var finding = Assert.Single(recording.Verify(options).Findings);
        Assert.Equal((FindingKind.Index, Path.GetFileName(altered)), (finding.Kind, finding.File));
        File.Delete(altered);
        Assert.True(recording.Verify(options).IsIntact);
    }

    private static string Write(SealedRecording recording, NodeKey? key, string expression)
    {
        var options = new ExtractOptions { Folder = recording.Folder };
        var plan = ExtractPlan.Make(options, out _)!;
        var sources = ExtractSource.Of(plan);
        var file = Path.Combine(recording.Data, "case.pcapng");
        using var target = File.Create(file);
        using var stream = new HashingStream(target);
        var answer = new PcapngAnswer(stream, expression);
        var report = Extraction.Run(plan, options, answer, null, CancellationToken.None);
        answer.End(report);
        var manifest = new ExtractManifest
        {
            File = "case.pcapng", Bytes = stream.Bytes, Sha256 = stream.Hash(), Expression = expression, Options = options,
            Recording = recording.Folder, By = new Dictionary<string, string> { ["user"] = "me" }, MadeNs = Clock.NowNs(),
            Sources = sources,
        };
        File.WriteAllBytes(file + ExtractManifest.Ending, manifest.Write(report, key, "no \"key\" here"));
        return file;
    }

    private static VerifyReport Verify(SealedRecording recording, string file)
    {
        using var keys = PublicKeys.TryRead(recording.PublicKey, out _);
        return ExtractVerifier.Run(file, keys, recording.Folder);
    }
}
