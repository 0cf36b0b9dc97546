// What stops a demo: one sentence for the operator, with the mend in it where there is one.
namespace Tapline.Server.Demo;

/// <summary>The demo cannot go on; the message is for the operator.</summary>
internal sealed class DemoException(string message) : Exception(message);
