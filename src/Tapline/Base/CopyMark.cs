// The mark (skb->mark) that every copy of ours carries inside the host's namespace, by whichever path it leaves: through a
// tunnel to the uplink, through a veth, back into a bridge. Capture and the kernel path know copies by it and leave them be.
namespace Tapline.Base;

/// <summary>Marks our own exports.</summary>
public static class CopyMark
{
    /// <summary>"TAP!" as a number; rules of a firewall may match it.</summary>
    public const int Value = 0x54415021;
}
