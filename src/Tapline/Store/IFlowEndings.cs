// Who keeps something by a flow's slot must know when the slot ceases to stand for that flow.
namespace Tapline.Store;

/// <summary>Hears of the end of each flow and of each part of a long one. Worker's thread; must not allocate or block.</summary>
public interface IFlowEndings
{
    /// <summary>The flow or the part in this slot has ended with this record; frames that come now are another's.</summary>
    void Ended(int slot, in FlowRecord record);
}
