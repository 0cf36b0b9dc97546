// An operating error, not a programmer's: the engine is absent, busy or answers nonsense. The message is one sentence
// that can be shown to an operator as it is.
namespace Tapline.Server.Telemetry;

/// <summary>The engine could not be asked; <see cref="Exception.Message"/> says why and what to do.</summary>
internal sealed class EngineUnavailableException(string sentence, Exception? cause = null)
    : IOException(sentence, cause);
