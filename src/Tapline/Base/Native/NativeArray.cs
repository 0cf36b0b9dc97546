// Memory outside the managed heap with bounds-checked access, so that the pure folders can own large tables without
// `unsafe` and without the collector ever scanning or moving them. One owner, released by Dispose.
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tapline.Base.Native;

/// <summary>A fixed-length, zero-initialised array of plain structs in native memory, aligned to a cache line.</summary>
/// <remarks>Not thread-safe; the owner disposes it. Pages are touched on first use, so a large table costs what is used.</remarks>
public sealed unsafe class NativeArray<T> : IDisposable where T : unmanaged
{
    private const nuint Alignment = 64;
    private T* _items;

    /// <summary>Allocates <paramref name="length"/> zeroed elements.</summary>
    public NativeArray(int length)
    {
        Invariant.Check(length > 0);
        Length = length;
        var bytes = checked((nuint)length * (nuint)sizeof(T));
        _items = (T*)NativePages.Allocate(bytes);
        Invariant.Check((nuint)_items % Alignment == 0);
    }

    /// <summary>Size of one element in bytes.</summary>
    public static int ElementBytes => sizeof(T);

    /// <summary>Number of elements.</summary>
    public int Length { get; }

    /// <summary>Size of the whole array in bytes.</summary>
    public long SizeBytes => (long)Length * sizeof(T);

    /// <summary>A reference to the element; throws when <paramref name="index"/> lies outside.</summary>
    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)index >= (uint)Length)
            {
                ThrowOutside();
            }

            return ref _items[index];
        }
    }

    /// <summary>The elements as a span, valid until <see cref="Dispose"/>.</summary>
    public Span<T> Span => new(_items, Length);

    /// <summary>
    /// Reads a byte of each of the element's cache lines. Unlike a prefetch instruction, which processors drop when the
    /// page is not in their translation cache, a load always brings the line. The value means nothing.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Touch(int index)
    {
        var sum = 0;
        if ((uint)index < (uint)Length)
        {
            var item = (byte*)(_items + index);
            for (var offset = 0; offset < sizeof(T); offset += (int)Alignment)
            {
                sum += item[offset];
            }
        }

        return sum;
    }

    /// <summary>The bitwise union of some elements: a field that is zero in it is zero in all of them.</summary>
    public T Union(int start, int end)
    {
        Invariant.Check(start >= 0 && end <= Length && sizeof(T) % sizeof(ulong) == 0);
        T union = default;
        var words = (ulong*)&union;
        for (var index = start; index < end; index++)
        {
            var item = (ulong*)(_items + index);
            for (var word = 0; word < sizeof(T) / sizeof(ulong); word++)
            {
                words[word] |= item[word];
            }
        }

        return union;
    }

    /// <summary>Returns the memory to the system; later access throws.</summary>
    public void Dispose()
    {
        var items = _items;
        _items = null;
        if (items != null)
        {
            NativePages.Free(items, (nuint)SizeBytes);
        }
    }

    private static void ThrowOutside() => throw new InvariantException("index inside the native array");
}
