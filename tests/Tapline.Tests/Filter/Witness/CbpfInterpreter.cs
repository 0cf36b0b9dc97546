// A second judge for tests, fuzzer and bench. Runs a validated classic BPF program over a frame's bytes. Borrows the spans
// for the call, allocates nothing. A load outside the captured bytes ends the program with 0 ("no match"), as in the kernel and in libpcap;
// so does a division by a zero register. It ends after at most as many steps as the program is long, because jumps lead
// forward.
using System.Buffers.Binary;
using Tapline.Base.Kernel;

namespace Tapline.Tests.Filter.Witness;

/// <summary>The classic BPF machine.</summary>
internal static class CbpfInterpreter
{
    /// <summary>
    /// Runs the program and returns its result: 0 = not selected. <paramref name="lengthBytes"/> is the frame's original
    /// length, which `len` in an expression means; it may exceed the captured bytes.
    /// </summary>
    public static uint Run(CbpfProgram program, ReadOnlySpan<byte> frame, uint lengthBytes) =>
        Run(program.Instructions, frame, lengthBytes);

    // One switch, one function: the registers stay in machine registers. Longer than a function should be, for that
    // reason.
    private static uint Run(ReadOnlySpan<CbpfInstruction> code, ReadOnlySpan<byte> frame, uint length)
    {
        Span<uint> memory = stackalloc uint[LinuxFilter.BPF_MEMWORDS];
        uint a = 0;
        uint x = 0;
        var next = 0;
        while (true)
        {
            ref readonly var i = ref code[next];
            next = i.TargetTrue;
            var k = i.K;
            switch (i.Op)
            {
                case CbpfOp.ReturnK: return k;
                case CbpfOp.ReturnA: return a;

                case CbpfOp.LoadWordAbsolute: if (!Word(frame, k, ref a)) { return 0; } break;
                case CbpfOp.LoadHalfAbsolute: if (!Half(frame, k, ref a)) { return 0; } break;
                case CbpfOp.LoadByteAbsolute: if (!Byte(frame, k, ref a)) { return 0; } break;
                case CbpfOp.LoadWordIndexed: if (!Word(frame, (ulong)x + k, ref a)) { return 0; } break;
                case CbpfOp.LoadHalfIndexed: if (!Half(frame, (ulong)x + k, ref a)) { return 0; } break;
                case CbpfOp.LoadByteIndexed: if (!Byte(frame, (ulong)x + k, ref a)) { return 0; } break;
                case CbpfOp.LoadLength: a = length; break;
                case CbpfOp.LoadImmediate: a = k; break;
                case CbpfOp.LoadMemory: a = memory[(int)k]; break;
                case CbpfOp.LoadXImmediate: x = k; break;
                case CbpfOp.LoadXMemory: x = memory[(int)k]; break;
                case CbpfOp.LoadXLength: x = length; break;
                case CbpfOp.LoadXHeaderLength:
                    if (!Byte(frame, k, ref x)) { return 0; }
                    x = (x & 0xf) << 2;
                    break;
                case CbpfOp.StoreA: memory[(int)k] = a; break;
                case CbpfOp.StoreX: memory[(int)k] = x; break;

                case CbpfOp.AddK: a += k; break;
                case CbpfOp.SubK: a -= k; break;
                case CbpfOp.MulK: a *= k; break;
                case CbpfOp.DivK: a /= k; break;
                case CbpfOp.ModK: a %= k; break;
                case CbpfOp.OrK: a |= k; break;
                case CbpfOp.AndK: a &= k; break;
                case CbpfOp.XorK: a ^= k; break;
                case CbpfOp.ShiftLeftK: a <<= (int)k; break;
                case CbpfOp.ShiftRightK: a >>= (int)k; break;
                case CbpfOp.AddX: a += x; break;
                case CbpfOp.SubX: a -= x; break;
                case CbpfOp.MulX: a *= x; break;
                case CbpfOp.DivX: if (x == 0) { return 0; } a /= x; break;
                case CbpfOp.ModX: if (x == 0) { return 0; } a %= x; break;
                case CbpfOp.OrX: a |= x; break;
                case CbpfOp.AndX: a &= x; break;
                case CbpfOp.XorX: a ^= x; break;
                case CbpfOp.ShiftLeftX: a = x < 32 ? a << (int)x : 0; break;
                case CbpfOp.ShiftRightX: a = x < 32 ? a >> (int)x : 0; break;
                case CbpfOp.Negate: a = (uint)-(int)a; break;

                case CbpfOp.Jump: break;
                case CbpfOp.JumpEqualK: next = a == k ? next : i.TargetFalse; break;
                case CbpfOp.JumpGreaterK: next = a > k ? next : i.TargetFalse; break;
                case CbpfOp.JumpGreaterOrEqualK: next = a >= k ? next : i.TargetFalse; break;
                case CbpfOp.JumpSetK: next = (a & k) != 0 ? next : i.TargetFalse; break;
                case CbpfOp.JumpEqualX: next = a == x ? next : i.TargetFalse; break;
                case CbpfOp.JumpGreaterX: next = a > x ? next : i.TargetFalse; break;
                case CbpfOp.JumpGreaterOrEqualX: next = a >= x ? next : i.TargetFalse; break;
                case CbpfOp.JumpSetX: next = (a & x) != 0 ? next : i.TargetFalse; break;

                case CbpfOp.TransferAToX: x = a; break;
                case CbpfOp.TransferXToA: a = x; break;
                default: return 0;
            }
        }
    }

    // Offsets are 64 bits wide, so that X + K cannot wrap back into the frame.
    private static bool Word(ReadOnlySpan<byte> frame, ulong offset, ref uint value)
    {
        if (offset + 4 > (ulong)frame.Length)
        {
            return false;
        }

        value = BinaryPrimitives.ReadUInt32BigEndian(frame[(int)offset..]);
        return true;
    }

    private static bool Half(ReadOnlySpan<byte> frame, ulong offset, ref uint value)
    {
        if (offset + 2 > (ulong)frame.Length)
        {
            return false;
        }

        value = BinaryPrimitives.ReadUInt16BigEndian(frame[(int)offset..]);
        return true;
    }

    private static bool Byte(ReadOnlySpan<byte> frame, ulong offset, ref uint value)
    {
        if (offset >= (ulong)frame.Length)
        {
            return false;
        }

        value = frame[(int)offset];
        return true;
    }
}
