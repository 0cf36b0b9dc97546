// A running engine's view of the hold file: looked at once a second, byte by byte, without allocation while nothing has
// changed. A file that can't be understood changes nothing: what was held stays held, and a sentence says so.
using System.Text;
using Tapline.Base;
using Tapline.Base.Native;

namespace Tapline.Record.Holds;

/// <summary>Follows a recording's hold file. One thread at a time.</summary>
internal sealed class HoldWatch
{
    private readonly byte[] _path;
    private readonly string _name;
    private byte[] _seen = [];
    private byte[] _now = new byte[4096];
    private int _seenLength;
    private string? _mistake;

    // As the file has them, those included whose time is over.
    private HoldList _all = HoldList.Empty;

    // A clock that is put back makes them hold again.
    private long _judgedNs;

    public HoldWatch(string folder)
    {
        _name = Path.Combine(folder, HoldFile.Name);
        _path = Encoding.UTF8.GetBytes(_name + '\0');
    }

    /// <summary>The holds in force.</summary>
    public HoldList Holds { get; private set; } = HoldList.Empty;

    /// <summary>Why the file is not followed at the moment; null = it is.</summary>
    public string? Problem { get; private set; }

    /// <summary>Looks at the file and the time; true when other holds are in force now.</summary>
    public bool Look(long nowNs)
    {
        var isChanged = LookAtFile();
        if (!isChanged && nowNs < Holds.NextExpiryNs && nowNs >= _judgedNs)
        {
            return false;
        }

        _judgedNs = nowNs;
        var before = Holds.Holds.Count;
        Holds = _all.At(nowNs);
        return isChanged || Holds.Holds.Count != before;
    }

    private bool LookAtFile()
    {
        var length = Read();
        if (length < 0)
        {
            Problem = $"The holds in {_name} can't be read: {NativeFile.Describe(length)}. What was held stays held.";
            return false;
        }

        if (length == _seenLength && _now.AsSpan(0, length).SequenceEqual(_seen.AsSpan(0, length)))
        {
            Problem = _mistake;
            return false;
        }

        (_seen, _now) = (_now, new byte[_now.Length]);
        _seenLength = length;
        string? mistake = null;
        var next = length == 0 ? HoldList.Empty : HoldText.TryRead(_seen.AsMemory(0, length), out mistake);
        _mistake = next is null ? $"The holds in {_name} can't be understood: {mistake}. What was held stays held; mend the file." : null;
        Problem = _mistake;
        if (next is null)
        {
            return false;
        }

        _all = next;
        return true;
    }

    // The file's length, 0 where there is none, or a negated errno. Grows its buffer up to the limit.
    private int Read()
    {
        var fd = NativeFile.Open(_path, NativeFile.O_RDONLY, 0);
        if (fd < 0)
        {
            return fd == -NativeFile.ENOENT ? 0 : fd;
        }

        var length = 0;
        while (true)
        {
            var read = NativeFile.Read(fd, _now.AsSpan(length), length);
            if (read <= 0)
            {
                _ = NativeFile.Close(fd);
                return read < 0 ? (int)read : length == 0 ? -NativeFile.EINVAL : length; // no list of holds is empty
            }

            length += (int)read;
            if (length == _now.Length)
            {
                if (length >= Limits.HoldFileBytesMax)
                {
                    _ = NativeFile.Close(fd);
                    return -NativeFile.EFBIG;
                }

                Array.Resize(ref _now, 2 * _now.Length);
            }
        }
    }
}
