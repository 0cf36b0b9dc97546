// The frames of a segment, grouped by flow: a counting sort of what the worker noted, then each flow's offsets as
// differences. Two arrays of native memory, made once and used for every segment. Writer's thread.
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Index;

/// <summary>Packet lists of one index.</summary>
internal sealed class PacketLists : IDisposable
{
    private readonly NativeArray<uint> _units;
    private readonly NativeArray<int> _ends;
    private readonly NativeArray<int> _bytes;

    public PacketLists(int frames, int flows)
    {
        _units = new NativeArray<uint>(frames);
        _ends = new NativeArray<int>(flows + 1);
        _bytes = new NativeArray<int>(flows);
    }

    /// <summary>Packets of a flow.</summary>
    public int Count(int flow) => _ends[flow] - Start(flow);

    /// <summary>Bytes of its list.</summary>
    public int Bytes(int flow) => _bytes[flow];

    /// <summary>Its first offset, in units of 4 bytes; 0 = it has no packets.</summary>
    public uint First(int flow) => Count(flow) == 0 ? 0 : _units[Start(flow)];

    /// <summary>Groups the frames and reckons the lists' lengths.</summary>
    public void Group(IndexBuffer buffer)
    {
        Invariant.Check(buffer.Frames <= _units.Length && buffer.Flows <= _bytes.Length);
        var ends = _ends.Span[..(buffer.Flows + 1)];
        ends.Clear();
        for (var frame = 0; frame < buffer.Frames; frame++)
        {
            ends[buffer.FlowOf(frame) + 1]++;
        }

        for (var flow = 1; flow < ends.Length; flow++)
        {
            ends[flow] += ends[flow - 1];
        }

        // ends[flow] is where the flow's next frame goes, and behind the last one when all are placed.
        var units = _units.Span;
        for (var frame = 0; frame < buffer.Frames; frame++)
        {
            units[ends[buffer.FlowOf(frame)]++] = buffer.UnitOf(frame);
        }

        for (var flow = 0; flow < buffer.Flows; flow++)
        {
            var list = units[Start(flow)..ends[flow]];
            var bytes = 0;
            for (var i = 1; i < list.Length; i++)
            {
                bytes += Varint.Length(list[i] - list[i - 1]);
            }

            _bytes[flow] = bytes;
        }
    }

    /// <summary>Writes the section: flow 0's figures, then all lists.</summary>
    public void Write(int flows, ByteSink target)
    {
        target.AddVarint((ulong)Count(0));
        target.AddVarint((ulong)Bytes(0));
        target.AddVarint(First(0));
        for (var flow = 0; flow < flows; flow++)
        {
            var list = _units.Span[Start(flow).._ends[flow]];
            var room = target.Room(_bytes[flow] + Varint.BytesMax);
            var at = 0;
            for (var i = 1; i < list.Length; i++)
            {
                at += Varint.Write(room[at..], list[i] - list[i - 1]);
            }

            Invariant.Check(at == _bytes[flow]);
            target.Advance(at);
        }
    }

    public void Dispose()
    {
        _units.Dispose();
        _ends.Dispose();
        _bytes.Dispose();
    }

    private int Start(int flow) => flow == 0 ? 0 : _ends[flow - 1];
}
