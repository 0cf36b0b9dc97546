// Help that shows, not only lists: each verb registers the lines an operator would type, and they are printed under
// the options. The text is the verb's own; this file only keeps and prints it.
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Tapline.Server.Commands;

/// <summary>Examples under a verb's help.</summary>
internal static class HelpExamples
{
    private static readonly ConditionalWeakTable<Command, (string Line, string Meaning)[]> s_examples = [];

    /// <summary>Gives <paramref name="command"/> its examples: what to type, and what it does.</summary>
    public static void Examples(this Command command, params (string Line, string Meaning)[] examples) =>
        s_examples.AddOrUpdate(command, examples);

    /// <summary>Makes <paramref name="root"/>'s --help print them.</summary>
    public static void ShowIn(RootCommand root)
    {
        foreach (var option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction inner } help)
            {
                help.Action = new WithExamples(inner);
            }
        }
    }

    private sealed class WithExamples(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var output = parseResult.InvocationConfiguration.Output;
            var code = InvokeInner(parseResult, output);
            if (s_examples.TryGetValue(parseResult.CommandResult.Command, out var examples))
            {
                output.WriteLine("Examples:");
                foreach (var (line, meaning) in examples)
                {
                    output.WriteLine($"  {line}");
                    output.WriteLine($"      {meaning}");
                }

                output.WriteLine();
            }

            return code;
        }

        /// <summary>The library names the program after its file; people type the launcher's name.</summary>
        private int InvokeInner(ParseResult parseResult, TextWriter output)
        {
            using var text = new StringWriter();
            parseResult.InvocationConfiguration.Output = text;
            var code = inner.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output = output;
            output.Write(text.ToString().Replace(RootCommand.ExecutableName + " ", "tapline ", StringComparison.Ordinal));
            return code;
        }
    }
}
