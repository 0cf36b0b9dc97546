// What each target of a session's group got, over all workers. Any thread; writing a snapshot allocates nothing.
using System.Text.Json;
using Tapline.Mirror;
using Tapline.Mirror.Group;
using Tapline.Mirror.Targets;

namespace Tapline.Workers;

/// <summary>One target of a group, for reports.</summary>
/// <param name="To">The target's text.</param>
/// <param name="IsUp">It takes frames.</param>
/// <param name="Counts">What it got.</param>
public readonly record struct MirrorMember(string To, bool IsUp, GroupMemberCounts Counts);

/// <summary>The members of one session's target.</summary>
internal sealed class MirrorMembers
{
    private readonly string[] _names;
    private readonly JsonEncodedText[] _texts;
    private readonly GroupOutput[] _groups;

    /// <param name="target">The session's target.</param>
    /// <param name="byWorker">The session's instances.</param>
    public MirrorMembers(MirrorTarget target, MirrorSession[] byWorker)
    {
        _groups = [.. byWorker.Select(s => s.Group).OfType<GroupOutput>()];
        _names = target is GroupTarget group && _groups.Length > 0 ? [.. group.Members.Select(m => m.ToString())] : [];
        _texts = Array.ConvertAll(_names, n => JsonEncodedText.Encode(n));
    }

    /// <summary>Members; 0 when the target is no group.</summary>
    public int Count => _names.Length;

    /// <summary>The member as it is now.</summary>
    public MirrorMember this[int member]
    {
        get
        {
            var sum = new GroupMemberCounts();
            var isUp = true;
            foreach (var group in _groups)
            {
                ref readonly var counts = ref group.CountsOf(member);
                sum.Sent += Volatile.Read(in counts.Sent);
                sum.SentWireFrames += Volatile.Read(in counts.SentWireFrames);
                sum.SentBytes += Volatile.Read(in counts.SentBytes);
                sum.Dropped += Volatile.Read(in counts.Dropped);
                isUp &= group.IsMemberUp(member);
            }

            return new MirrorMember(_names[member], isUp, sum);
        }
    }

    /// <summary>Writes <c>members</c> when there are any.</summary>
    public void Write(Utf8JsonWriter json)
    {
        if (Count == 0)
        {
            return;
        }

        json.WriteStartArray("members"u8);
        for (var i = 0; i < Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("to"u8, _texts[i]);
            WriteCounts(json, this[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>Writes a member's state and counts; snapshots and reports use the same words.</summary>
    public static void WriteCounts(Utf8JsonWriter json, in MirrorMember member)
    {
        json.WriteString("state"u8, member.IsUp ? "up"u8 : "down"u8);
        json.WriteNumber("sent"u8, member.Counts.Sent);
        json.WriteNumber("sent_wire_frames"u8, member.Counts.SentWireFrames);
        json.WriteNumber("sent_bytes"u8, member.Counts.SentBytes);
        json.WriteNumber("dropped"u8, member.Counts.Dropped);
    }
}
