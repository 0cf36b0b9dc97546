// Records of flows that are still under way, for those who keep frames of them: a segment that ends writes down how its flows
// stand. Asked once for each flow of a segment, not per frame.
namespace Tapline.Store;

/// <summary>Gives the record so far of a live flow. Worker's thread; must not allocate.</summary>
public interface IFlowRecords
{
    /// <summary>Copies the record so far of the flow in a slot of the worker's table.</summary>
    void CopyRecord(int slot, out FlowRecord record);

    /// <summary>Copies what it has carried so far: a few additions, for those who ask at each frame.</summary>
    void CopyVolume(int slot, out FlowVolume volume);
}
