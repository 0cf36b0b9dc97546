// How much a flow has carried so far: the part of its record that each frame changes, cheap enough to be asked for each frame.
namespace Tapline.Store;

/// <summary>Volume of a live flow, both directions together, since its record began (a part's, of a long one).</summary>
public struct FlowVolume
{
    public long Frames;
    public long Bytes;
    public long PayloadBytes;

    /// <summary>Whole second in which the record began; the exact time is the record's.</summary>
    public long StartNs;

    /// <summary>Time of its latest frame.</summary>
    public long EndNs;
}
