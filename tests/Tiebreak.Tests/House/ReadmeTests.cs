using System.Text;
using System.Text.RegularExpressions;
using Tiebreak.Cli;
using Tiebreak.Training;
using Xunit;

namespace Tiebreak.Tests.House;

/// <summary>Every transcript of the README is what the tool prints. TIEBREAK_ACCEPT=1 writes them anew.</summary>
public sealed partial class ReadmeTests
{
    const string Open = "```console\n$ tiebreak ";

    [Fact]
    public void Every_transcript_is_what_the_tool_prints()
    {
        var path = Repository.File("README.md");
        var text = File.ReadAllText(path);
        var actual = new StringBuilder();
        var position = 0;
        var transcripts = 0;
        for (int start; (start = text.IndexOf(Open, position, StringComparison.Ordinal)) >= 0; transcripts++)
        {
            var command = text[(start + Open.Length)..text.IndexOf('\n', start + Open.Length)];
            var end = text.IndexOf("```", start + Open.Length, StringComparison.Ordinal);
            actual.Append(text, position, start - position).Append(Open).Append(command).Append('\n').Append(Transcript(command));
            position = end;
        }

        actual.Append(text, position, text.Length - position);
        Assert.True(transcripts >= 3);
        if (Environment.GetEnvironmentVariable("TIEBREAK_ACCEPT") == "1") File.WriteAllText(path, actual.ToString());
        else Assert.Equal(text, actual.ToString());
    }

    [GeneratedRegex(@"'[^']*'|\S+", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Words();

    // Samples are named from the repository's root; the tool is given the real path and prints it, so it is shortened again.
    static string Transcript(string command)
    {
        using StringWriter output = new(), error = new();
        var words = Words().Matches(command).Select(word => word.Value.Trim('\'')).Select(word => word.StartsWith("samples/", StringComparison.Ordinal) ? Repository.File(word.Split('/')) : word);
        CommandLine.Run([.. words], new Surroundings { Output = output, Error = error, TrainCommand = around => new TrainCommand(around).Command });
        Assert.Empty(error.ToString());
        return output.ToString().Replace("\r\n", "\n", StringComparison.Ordinal).Replace(Repository.Root + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
    }
}
