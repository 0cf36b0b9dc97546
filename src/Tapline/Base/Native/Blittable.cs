// Plain structs as bytes and back, for formats whose rows are the structs themselves. Keeps MemoryMarshal in one place.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>Views between rows and bytes. Little-endian hosts only; checked where a format is opened.</summary>
public static class Blittable
{
    /// <summary>The rows' own memory as bytes.</summary>
    public static ReadOnlySpan<byte> AsBytes<T>(ReadOnlySpan<T> rows) where T : unmanaged => MemoryMarshal.AsBytes(rows);

    /// <summary>
    /// Copies rows of <paramref name="rowSize"/> bytes into <paramref name="rows"/>. A shorter row leaves the fields
    /// that it lacks zero; what a longer row has beyond this struct is left out.
    /// </summary>
    public static void CopyRows<T>(ReadOnlySpan<byte> bytes, int rowSize, Span<T> rows) where T : unmanaged
    {
        Invariant.Check(rowSize > 0 && bytes.Length == (long)rowSize * rows.Length);
        var target = MemoryMarshal.AsBytes(rows);
        var size = Unsafe.SizeOf<T>();
        if (size == rowSize)
        {
            bytes.CopyTo(target);
            return;
        }

        target.Clear();
        var shared = Math.Min(size, rowSize);
        for (var row = 0; row < rows.Length; row++)
        {
            bytes.Slice(row * rowSize, shared).CopyTo(target.Slice(row * size, shared));
        }
    }
}
