// What is known of a condition before a frame is read.
namespace Tapline.Record.Extract;

/// <summary>Three values; `not` exchanges the outer ones.</summary>
internal enum Judgement : sbyte
{
    /// <summary>No frame of the flow satisfies it.</summary>
    No = -1,

    /// <summary>Some may: they have to be looked at.</summary>
    Maybe = 0,

    /// <summary>Every frame satisfies it.</summary>
    Yes = 1,
}
