// Where an import is.
namespace Tapline.Workers.Imports;

/// <summary>Told now and then while captures are looked through, and again while they are recorded.</summary>
/// <param name="frames">Frames gone through.</param>
/// <param name="bytes">Bytes gone through, of both passes.</param>
/// <param name="totalBytes">Bytes of both passes; 0 = not known.</param>
public delegate void ImportProgress(long frames, long bytes, long totalBytes);
