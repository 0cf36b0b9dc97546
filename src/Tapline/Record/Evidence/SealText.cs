// A segment's seal as text (docs/formats/evidence.md): composed when a segment is published, read back when one is removed, found
// after a crash, or verified. Reading allocates nothing unless block hashes are wanted; the bytes are hostile.
using System.Text.Json;
using Tapline.Base;

namespace Tapline.Record.Evidence;

/// <summary>Writes and reads seals.</summary>
internal static class SealText
{
    private const int Version = 1;
    private const int FieldsOfASeal = (1 << 13) - 1;

    /// <summary>Composes and signs a seal; its link.</summary>
    public static Hash256 Write(
        SignedText text, in SegmentSeal seal, ReadOnlySpan<byte> fileName, ReadOnlySpan<Hash256> blocks, NodeKey key)
    {
        Invariant.Check(seal.Sequence > 0 && blocks.Length == BlocksOf(seal.Bytes));
        text.Clear().Add("{\"tapline\":\"seal\",\"version\":1,\n\"chain\":\""u8).AddId(seal.Chain)
            .Add("\",\"worker\":"u8).Add(seal.Worker)
            .Add(",\"sequence\":"u8).Add(seal.Sequence)
            .Add(",\n\"previous\":\""u8).Add(seal.Previous)
            .Add("\",\n\"segment\":\""u8).Add(fileName)
            .Add("\",\"bytes\":"u8).Add(seal.Bytes)
            .Add(",\"state\":\""u8).Add(StateWord(seal.State))
            .Add("\",\"sealed\":\""u8).AddTime(seal.SealedNs)
            .Add("\",\n\"index\":"u8);
        if (seal.HasIndex)
        {
            text.Add("\""u8).Add(seal.Index).Add("\""u8);
        }
        else
        {
            text.Add("null"u8);
        }

        text.Add(",\n\"key\":\""u8).Add(key.Id).Add("\",\n\"block_bytes\":"u8).Add(BlockHashes.BlockBytes).Add(",\"blocks\":["u8);
        for (var index = 0; index < blocks.Length; index++)
        {
            text.Add(index == 0 ? "\n\""u8 : ",\n\""u8).Add(blocks[index]).Add("\""u8);
        }

        return text.Add("],\n"u8).Sign(key);
    }

    /// <summary>Reads a seal; false when it is none. Its signature is not checked here.</summary>
    /// <param name="file">All of its file.</param>
    /// <param name="seal">What it states.</param>
    /// <param name="blocks">Gets the block hashes; null = they are not wanted.</param>
    public static bool TryRead(ReadOnlySpan<byte> file, out SegmentSeal seal, List<Hash256>? blocks = null)
    {
        seal = default;
        Span<byte> signature = stackalloc byte[128];
        if (file.Length > Limits.SealBytesMax || !SignedText.TrySplit(file, out var signed, signature, out _))
        {
            return false;
        }

        try
        {
            var reader = new Utf8JsonReader(file, new JsonReaderOptions { MaxDepth = 2 });
            if (!TryReadFields(ref reader, ref seal, blocks))
            {
                return false;
            }
        }
        catch (JsonException)
        {
            return false;
        }

        seal.Link = Hash256.Of(signed);
        return seal.Blocks == BlocksOf(seal.Bytes);
    }

    /// <summary>Blocks of a file of so many bytes.</summary>
    public static long BlocksOf(long bytes) => (bytes + BlockHashes.BlockBytes - 1) / BlockHashes.BlockBytes;

    /// <summary>A state as seals and reports name it.</summary>
    public static ReadOnlySpan<byte> StateWord(SealState state) =>
        state switch { SealState.Complete => "complete"u8, SealState.Recovered => "recovered"u8, _ => "imported"u8 };

    private static bool TryReadFields(ref Utf8JsonReader reader, ref SegmentSeal seal, List<Hash256>? blocks)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        var seen = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref reader);
            if (!reader.Read() || (field >= 0 && ((seen & (1 << field)) != 0 || !TryReadField(field, ref reader, ref seal, blocks))))
            {
                return false; // a field twice: two readers might see two seals
            }

            if (field >= 0)
            {
                seen |= 1 << field;
            }
            else if (!reader.TrySkip())
            {
                return false;
            }
        }

        return seen == FieldsOfASeal && reader.TokenType == JsonTokenType.EndObject && !reader.Read();
    }

    private static int FieldOf(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("tapline"u8) ? 0
        : reader.ValueTextEquals("version"u8) ? 1
        : reader.ValueTextEquals("chain"u8) ? 2
        : reader.ValueTextEquals("worker"u8) ? 3
        : reader.ValueTextEquals("sequence"u8) ? 4
        : reader.ValueTextEquals("previous"u8) ? 5
        : reader.ValueTextEquals("segment"u8) ? 6
        : reader.ValueTextEquals("bytes"u8) ? 7
        : reader.ValueTextEquals("state"u8) ? 8
        : reader.ValueTextEquals("sealed"u8) ? 9
        : reader.ValueTextEquals("index"u8) ? 10
        : reader.ValueTextEquals("key"u8) ? 11
        : reader.ValueTextEquals("blocks"u8) ? 12
        : -1;

    private static bool TryReadField(int field, ref Utf8JsonReader reader, ref SegmentSeal seal, List<Hash256>? blocks)
    {
        var isText = reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped;
        switch (field)
        {
            case 0:
                return isText && reader.ValueTextEquals("seal"u8);
            case 1:
                return TryNumber(ref reader, 1, Version, out _);
            case 2:
                return isText && TryReadId(reader.ValueSpan, out seal.Chain);
            case 3:
                var isWorker = TryNumber(ref reader, 0, ushort.MaxValue, out var worker);
                seal.Worker = (ushort)worker;
                return isWorker;
            case 4:
                return TryNumber(ref reader, 1, long.MaxValue - 1, out seal.Sequence);
            case 5:
                return isText && Hash256.TryReadHex(reader.ValueSpan, out seal.Previous);
            case 6:
                seal.Name = ((int)reader.TokenStartIndex + 1)..((int)reader.TokenStartIndex + 1 + reader.ValueSpan.Length);
                return isText && reader.ValueSpan.Length is > 0 and <= 255;
            case 7:
                return TryNumber(ref reader, 1, (long)BlockHashes.BlockBytes * Limits.SealBytesMax, out seal.Bytes);
            case 8:
                seal.State = isText && reader.ValueTextEquals("complete"u8) ? SealState.Complete
                    : isText && reader.ValueTextEquals("recovered"u8) ? SealState.Recovered : SealState.Imported;
                return isText && reader.ValueTextEquals(StateWord(seal.State));
            case 9:
                return isText && SignedText.TryReadTime(reader.ValueSpan, out seal.SealedNs);
            case 10:
                seal.HasIndex = reader.TokenType != JsonTokenType.Null;
                return !seal.HasIndex || (isText && Hash256.TryReadHex(reader.ValueSpan, out seal.Index));
            case 11:
                return isText && Hash256.TryReadHex(reader.ValueSpan, out seal.Key);
            default:
                return TryReadBlocks(ref reader, ref seal, blocks);
        }
    }

    private static bool TryReadBlocks(ref Utf8JsonReader reader, ref SegmentSeal seal, List<Hash256>? blocks)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            if (reader.ValueIsEscaped || !Hash256.TryReadHex(reader.ValueSpan, out var hash))
            {
                return false;
            }

            seal.Blocks++;
            blocks?.Add(hash);
        }

        return reader.TokenType == JsonTokenType.EndArray;
    }

    /// <summary>Reads a chain's number: 32 hexadecimal digits.</summary>
    public static bool TryReadId(ReadOnlySpan<byte> text, out UInt128 id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id = default;
        if (text.Length != 32 || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
        {
            return false;
        }

        id = System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
        return true;
    }

    private static bool TryNumber(ref Utf8JsonReader reader, long least, long most, out long number)
    {
        number = 0;
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out number) && number >= least && number <= most;
    }
}
