// The first bytes of a frame on the stack of an eBPF program, copied once, with the VLAN tag in its place: the kernel
// carries it beside the frame (skb->vlan_tci). Loads at fixed places then cost one instruction, whether the packet is
// linear or not. Loads elsewhere ask the kernel; where a tag was put in, they count from behind it.
//
//   fp-232  bytes 8..15 of a tagged frame as a number   fp-224  bytes 16..19, in the upper half
//   fp-216  what a load brought                         fp-208  sixteen words: variables, values on the way
//   fp-142  the frame's first bytes, so that an IPv4 header behind Ethernet is aligned, up to fp-9
using Tapline.Base;
using Tapline.Base.Kernel;
using Tapline.Base.Native;

namespace Tapline.Filter.Emission;

/// <summary>Emits the copy and all loads.</summary>
internal sealed class EbpfHeader
{
    /// <summary>Registers that the copy sets: the frame's length, its tag's length, and where loads leave their value.</summary>
    public const int Length = 7;
    public const int Value = 8;
    public const int TagLength = 9;

    public const int Context = 6;
    public const int FramePointer = 10;
    public const short WordsAt = -208;

    private const short BytesAt = -142;
    private const short ClearedAt = -144;
    private const short LoadedAt = -216;
    private const short TagTailAt = -224;
    private const short TagHeadAt = -232;

    /// <summary>The most bytes that are copied.</summary>
    public const int BytesMax = 132;

    private const int MacBytes = 12;
    private const int TagBytes = 4;
    private const int TaggedMin = MacBytes + TagBytes;

    private readonly BpfAssembler _code;
    private readonly int _reject;
    private readonly int _bytes;
    private readonly bool _mayBeTagged;
    private readonly bool _hasMovingLoads;

    /// <param name="code">Where to emit.</param>
    /// <param name="reject">Where frames without the bytes go.</param>
    /// <param name="bytes">How far loads at fixed places reach.</param>
    /// <param name="mayBeTagged">False for links without Ethernet headers.</param>
    /// <param name="hasMovingLoads">True when some loads depend on other bytes.</param>
    public EbpfHeader(BpfAssembler code, int reject, long bytes, bool mayBeTagged, bool hasMovingLoads)
    {
        _code = code;
        _reject = reject;
        _mayBeTagged = mayBeTagged;
        _hasMovingLoads = hasMovingLoads;
        _bytes = (int)Math.Clamp(bytes, TaggedMin + TagBytes, BytesMax);
    }

    /// <summary>Copies the bytes; R6 is the context.</summary>
    public void EmitCopy()
    {
        for (int at = ClearedAt; at < BytesAt + _bytes; at += 8)
        {
            _code.StoreImmediate(Bpf.BPF_DW, FramePointer, (short)at, 0);
        }

        var untagged = _code.Label();
        var ready = _code.Label();
        _code.Load(Bpf.BPF_W, Length, Context, Bpf.SkbLen);
        _code.MoveImmediate(TagLength, 0);
        if (_mayBeTagged)
        {
            _code.StoreImmediate(Bpf.BPF_DW, FramePointer, TagHeadAt, 0);
            _code.StoreImmediate(Bpf.BPF_DW, FramePointer, TagTailAt, 0);
            _code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbVlanPresent);
            _code.JumpIf(Bpf.BPF_JEQ, 1, 0, untagged);
            EmitTaggedCopy();
            _code.Jump(ready);
            _code.Place(untagged);
        }

        EmitCopy(from: 0, to: 0, ready);
        _code.Place(ready);
    }

    private void EmitTaggedCopy()
    {
        var copied = _code.Label();
        _code.MoveImmediate(TagLength, TagBytes);
        _code.AluImmediate(Bpf.BPF_ADD, Length, TagBytes);
        EmitHelper(0, BytesAt, MacBytes);
        _code.JumpIf(Bpf.BPF_JNE, 0, 0, _reject);
        _code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbVlanProto);
        _code.Store(Bpf.BPF_H, FramePointer, BytesAt + MacBytes, 1);
        _code.Load(Bpf.BPF_W, 1, Context, Bpf.SkbVlanTci);
        _code.ToBigEndian(1, 16);
        _code.Store(Bpf.BPF_H, FramePointer, BytesAt + MacBytes + 2, 1);
        EmitCopy(MacBytes, TaggedMin, copied);
        _code.Place(copied);
        if (_hasMovingLoads)
        {
            EmitWindow();
        }
    }

    // As many as there are, at most what fits; the verifier wants both ends proved.
    private void EmitCopy(int from, int to, int none)
    {
        var fits = _code.Label();
        _code.Load(Bpf.BPF_W, 4, Context, Bpf.SkbLen);
        _code.JumpIf(Bpf.BPF_JLT, 4, from + 1, none);
        _code.AluImmediate(Bpf.BPF_SUB, 4, from);
        _code.JumpIf(Bpf.BPF_JLT, 4, _bytes - to + 1, fits);
        _code.MoveImmediate(4, _bytes - to);
        _code.Place(fits);
        _code.Move(1, Context);
        _code.MoveImmediate(2, from);
        _code.Move(3, FramePointer);
        _code.AluImmediate(Bpf.BPF_ADD, 3, BytesAt + to);
        _code.Call(Bpf.BPF_FUNC_skb_load_bytes);
    }

    // Bytes 8 to 19 as numbers, for loads that begin before the tag's end.
    private void EmitWindow()
    {
        _code.MoveImmediate(2, 0);
        for (var at = 8; at < TaggedMin; at += 2)
        {
            EmitAppend(at);
        }

        _code.Store(Bpf.BPF_DW, FramePointer, TagHeadAt, 2);
        _code.MoveImmediate(2, 0);
        EmitAppend(TaggedMin);
        EmitAppend(TaggedMin + 2);
        _code.AluImmediate(Bpf.BPF_LSH, 2, 32);
        _code.Store(Bpf.BPF_DW, FramePointer, TagTailAt, 2);
    }

    private void EmitAppend(int at)
    {
        _code.Load(Bpf.BPF_H, 1, FramePointer, (short)(BytesAt + at));
        _code.ToBigEndian(1, 16);
        _code.AluImmediate(Bpf.BPF_LSH, 2, 16);
        _code.Alu(Bpf.BPF_OR, 2, 1);
    }

    /// <summary>True when a load at a fixed place needs no call.</summary>
    public bool IsOnStack(ulong offset, int size) => offset + (uint)size <= (ulong)_bytes;

    /// <summary>A load at a fixed place.</summary>
    public void EmitLoad(uint offset, int size)
    {
        if (!IsOnStack(offset, size))
        {
            _code.MoveImmediate(Value, (int)offset);
            EmitLoadAtValue(0, size);
            return;
        }

        _code.JumpIf(Bpf.BPF_JLT, Length, (int)offset + size, _reject);
        EmitStackLoad((short)(BytesAt + (int)offset), size);
    }

    /// <summary>A load at a place that R8 holds, plus a constant. The sum is 64 bits wide and does not wrap.</summary>
    public void EmitLoadAtValue(uint offset, int size)
    {
        Invariant.Check(offset <= int.MaxValue);
        var plain = _code.Label();
        var done = _code.Label();
        _code.AluImmediate(Bpf.BPF_ADD, Value, (int)offset);
        _code.Move(1, Value);
        _code.AluImmediate(Bpf.BPF_ADD, 1, size);
        _code.JumpIfRegister(Bpf.BPF_JGT, 1, Length, _reject);
        _code.Move(2, Value);
        if (_mayBeTagged)
        {
            EmitTagged(size, plain, done);
        }

        _code.Place(plain);
        _code.Move(1, Context);
        _code.Move(3, FramePointer);
        _code.AluImmediate(Bpf.BPF_ADD, 3, LoadedAt);
        _code.MoveImmediate(4, size);
        _code.Call(Bpf.BPF_FUNC_skb_load_bytes);
        _code.JumpIf(Bpf.BPF_JNE, 0, 0, _reject);
        EmitStackLoad(LoadedAt, size);
        _code.Place(done);
    }

    // R1 = end, R2 = begin. Before the tag all is as it was, behind it four bytes earlier.
    private void EmitTagged(int size, int plain, int done)
    {
        var before = _code.Label();
        _code.JumpIf(Bpf.BPF_JEQ, TagLength, 0, plain);
        _code.JumpIf(Bpf.BPF_JLT, 2, TaggedMin, before);
        _code.AluImmediate(Bpf.BPF_SUB, 2, TagBytes);
        _code.Jump(plain);
        _code.Place(before);
        _code.JumpIf(Bpf.BPF_JLT, 1, MacBytes + 1, plain);

        // Bytes 9..15 begin it: the two numbers, shifted together. R3 = bits before it.
        _code.Move(3, 2);
        _code.AluImmediate(Bpf.BPF_SUB, 3, 8);
        _code.AluImmediate(Bpf.BPF_LSH, 3, 3);
        _code.AluImmediate(Bpf.BPF_AND, 3, 63);
        _code.Load(Bpf.BPF_DW, Value, FramePointer, TagHeadAt);
        _code.Alu(Bpf.BPF_LSH, Value, 3);
        _code.Load(Bpf.BPF_DW, 4, FramePointer, TagTailAt);
        _code.MoveImmediate(5, 64);
        _code.Alu(Bpf.BPF_SUB, 5, 3);
        _code.AluImmediate(Bpf.BPF_AND, 5, 63);
        _code.Alu(Bpf.BPF_RSH, 4, 5);
        _code.Alu(Bpf.BPF_OR, Value, 4);
        _code.AluImmediate(Bpf.BPF_RSH, Value, 64 - (8 * size));
        _code.Jump(done);
    }

    // The stack is read at aligned places only (the verifier insists).
    private void EmitStackLoad(short at, int size)
    {
        if (size == 1)
        {
            _code.Load(Bpf.BPF_B, Value, FramePointer, at);
            return;
        }

        if (at % size == 0)
        {
            _code.Load(size == 2 ? Bpf.BPF_H : Bpf.BPF_W, Value, FramePointer, at);
            _code.ToBigEndian(Value, size * 8);
            return;
        }

        var part = size == 4 && at % 2 == 0 ? 2 : 1;
        _code.MoveImmediate(Value, 0);
        for (var i = 0; i < size; i += part)
        {
            _code.Load(part == 2 ? Bpf.BPF_H : Bpf.BPF_B, 1, FramePointer, (short)(at + i));
            if (part == 2)
            {
                _code.ToBigEndian(1, 16);
            }

            _code.AluImmediate(Bpf.BPF_LSH, Value, part * 8);
            _code.Alu(Bpf.BPF_OR, Value, 1);
        }
    }

    private void EmitHelper(int from, short to, int bytes)
    {
        _code.Move(1, Context);
        _code.MoveImmediate(2, from);
        _code.Move(3, FramePointer);
        _code.AluImmediate(Bpf.BPF_ADD, 3, to);
        _code.MoveImmediate(4, bytes);
        _code.Call(Bpf.BPF_FUNC_skb_load_bytes);
    }
}
