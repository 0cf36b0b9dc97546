// The recorder's part of the live snapshot (docs/formats/engine-socket.md): the recording as a whole, then each class. Allocates nothing.
using System.Text.Json;
using Tapline.Base;
using Tapline.Record;

namespace Tapline.Workers;

/// <summary>Writes how a recording is. Control thread only.</summary>
internal sealed class RecordingSnapshot
{
    private readonly EngineParts _parts;
    private readonly SegmentFolder[] _folders;
    private readonly JsonEncodedText _folder;
    private readonly JsonEncodedText[] _classes;
    private readonly byte[] _time = new byte[TimeText.Length];

    public RecordingSnapshot(EngineParts parts)
    {
        _parts = parts;
        _folders = [.. parts.RecordFolders];
        _folder = JsonEncodedText.Encode(_folders[0].Path);
        _classes = [.. parts.RecordClasses.Select(name => JsonEncodedText.Encode(name))];
    }

    public void Write(Utf8JsonWriter json)
    {
        string? stalled = null;
        foreach (var recorder in _parts.Recorders)
        {
            stalled ??= recorder.StallReason;
        }

        json.WriteStartObject("recorder"u8);
        json.WriteString("folder"u8, _folder);
        WriteCounts(json, _folders, _parts.Recorders);
        if (stalled is not null)
        {
            json.WriteString("stalled"u8, stalled);
        }

        if (_folders.Length > 1)
        {
            json.WriteStartArray("classes"u8);
            for (var index = 0; index < _folders.Length; index++)
            {
                var workers = _parts.Recorders.Length / _folders.Length;
                json.WriteStartObject();
                json.WriteString("class"u8, _classes[index]);
                WriteCounts(json, _folders.AsSpan(index, 1), _parts.Recorders.AsSpan(index * workers, workers));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        WriteTriggers(json);
        json.WriteEndObject();
    }

    private void WriteTriggers(Utf8JsonWriter json)
    {
        if (_parts.Triggers is not { } triggers)
        {
            return;
        }

        json.WriteStartArray("triggers"u8);
        for (var index = 0; index < triggers.States.Count; index++)
        {
            triggers.States[index].Write(json);
        }

        json.WriteEndArray();
    }

    private void WriteCounts(Utf8JsonWriter json, ReadOnlySpan<SegmentFolder> folders, ReadOnlySpan<SegmentRecorder> recorders)
    {
        long recorded = 0;
        long dropped = 0;
        long sliced = 0;
        foreach (var recorder in recorders)
        {
            recorded += recorder.Recorded;
            dropped += recorder.Dropped;
            sliced += recorder.Sliced;
        }

        long segments = 0, used = 0, budget = 0, byBudget = 0, byAge = 0, forDisk = 0, heldSegments = 0, heldBytes = 0, oldest = 0;
        string? notice = null;
        foreach (var folder in folders)
        {
            segments += folder.Segments;
            used += folder.UsedBytes;
            budget += folder.BudgetBytes;
            byBudget += folder.RemovedBy(RemovalReason.Budget);
            byAge += folder.RemovedBy(RemovalReason.Age);
            forDisk += folder.RemovedBy(RemovalReason.FreeDisk);
            heldSegments += folder.HeldSegments;
            heldBytes += folder.HeldBytes;
            notice ??= folder.Notice;
            var first = folder.OldestNs;
            oldest = oldest == 0 || (first != 0 && first < oldest) ? first : oldest;
        }

        json.WriteNumber("segments"u8, segments);
        json.WriteNumber("bytes"u8, used);
        json.WriteNumber("budget_bytes"u8, budget);
        json.WriteNumber("removed_by_budget"u8, byBudget);
        json.WriteNumber("removed_by_age"u8, byAge);
        json.WriteNumber("removed_for_free_disk"u8, forDisk);
        json.WriteNumber("holds"u8, folders[0].Holds);
        json.WriteNumber("held_segments"u8, heldSegments);
        json.WriteNumber("held_bytes"u8, heldBytes);
        json.WriteNumber("recorded"u8, recorded);
        json.WriteNumber("dropped"u8, dropped);
        json.WriteNumber("sliced"u8, sliced);
        if (oldest != 0)
        {
            TimeText.Write(oldest, _time);
            json.WriteString("oldest"u8, _time);
        }

        if (notice is not null)
        {
            json.WriteString("notice"u8, notice);
        }
    }
}
