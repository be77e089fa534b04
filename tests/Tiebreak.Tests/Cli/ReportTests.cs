using System.Text.Json;
using Tiebreak.Cli.Reports;
using Tiebreak.Findings;
using Tiebreak.Proofs;
using Tiebreak.Tests.Findings;
using Xunit;

namespace Tiebreak.Tests.Cli;

public sealed class ReportTests
{
    static readonly TextReport.Style Plain = new(Quiet: false, Verbose: false, Colour: true);

    static CheckResult Large()
    {
        var model = new HandMade();
        for (var layer = 0; layer < 30; layer++)
        {
            var first = layer * 4 + 1;
            model.Dense($"encoder.block.{layer}.attention.self.projection_of_the_query.weight", [3, 2], first, first + 1, first, first + 1, first + 2, first + 3);
        }

        return model.Other("A", [2], 0, 0).Starting(0).Check();
    }

    [Fact]
    public void Json_is_as_the_contract_says() => Golden.Matches("constant-mlp.json", JsonReport.Print(HandMade.ConstantMlp().Check()));

    [Fact]
    public void Text_reads_well() => Golden.Matches("constant-mlp.txt", TextReport.Print(HandMade.ConstantMlp().Check(), Plain, width: null));

    [Fact]
    public void Text_of_a_large_model_reads_well() => Golden.Matches("large.txt", TextReport.Print(Large(), Plain, width: null));

    [Fact]
    public void Text_of_a_model_without_verdict_reads_well()
    {
        var model = new HandMade { Change = analysis => analysis with { Partition = null, NonFinite = [new("w", "`w[0]` is NaN", "it is so in the file", "export it again")] } };
        Golden.Matches("non-finite.txt", TextReport.Print(model.Other("w", [2], 0, 0).Check(), Plain, width: null));
    }

    [Fact]
    public void Text_fits_a_screen_and_holds_no_escapes_when_piped()
    {
        var text = TextReport.Print(Large(), Plain, width: null);
        var lines = text.TrimEnd('\n').Split('\n');
        Assert.True(lines.Length <= 42, $"{lines.Length} lines");
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.DoesNotContain('\e', text);
    }

    [Fact]
    public void Text_is_coloured_on_a_terminal_unless_told_not_to_be()
    {
        Assert.Contains('\e', TextReport.Print(Large(), Plain, width: 100));
        Assert.DoesNotContain('\e', TextReport.Print(Large(), Plain with { Colour = false }, width: 100));
    }

    [Fact]
    public void Quiet_is_one_line() =>
        Assert.Equal("10 degrees of freedom of 46 parameters: 44 in lockstep, 0 mirrored, 0 stuck\n", TextReport.Print(HandMade.ConstantMlp().Check(), new(Quiet: true, Verbose: false, Colour: false), null));

    [Fact]
    public void A_witness_is_reported_with_what_it_leaves_open()
    {
        var witness = new Witness { IsExact = true, Runs = 2, Splits = [new(1, 1, 1), new(2, 2, 3)], Open = [3], Undecided = 2 };
        var result = HandMade.ConstantMlp().Check() with { Witness = witness };
        var text = TextReport.Print(result, Plain, width: null);
        Assert.Contains("0 stuck, 2\nundecided\n", text, StringComparison.Ordinal);
        Assert.Contains("\nwitnessed: 2 splits in 2 runs, the last one at step 3; exact\n", text, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(JsonReport.Print(result));
        var numbers = json.RootElement.GetProperty("result");
        Assert.Equal(2, numbers.GetProperty("undecided").GetInt32());
        Assert.Equal(3, numbers.GetProperty("witness").GetProperty("lastStep").GetInt32());
        Assert.Equal("exact", numbers.GetProperty("witness").GetProperty("arithmetic").GetString());
    }

    [Fact]
    public void Json_without_verdict_has_no_result()
    {
        var model = new HandMade { Change = analysis => analysis with { Partition = null, NonFinite = [new("w", "`w[0]` is NaN", "it is so in the file", "export it again")] } };
        using var json = JsonDocument.Parse(JsonReport.Print(model.Other("w", [2], 0, 0).Check()));
        Assert.Equal(JsonValueKind.Null, json.RootElement.GetProperty("result").ValueKind);
        Assert.Equal(0, json.RootElement.GetProperty("tensors").GetArrayLength());
        Assert.Equal("TB011", json.RootElement.GetProperty("findings")[0].GetProperty("rule").GetString());
    }

    [Fact]
    public void A_partition_is_written_as_the_contract_says()
    {
        using var stream = new MemoryStream();
        PartitionFile.Write(new HandMade().Dense("w", [2, 2], 1, 2, -1, 0).Other("s", [], 2).Check([0, 1, 3]), stream, CancellationToken.None);
        stream.Position = 0;
        using var json = JsonDocument.Parse(stream);
        var tensors = json.RootElement.GetProperty("tensors");
        Assert.Equal("[1, 2, 1, 0]", tensors[0].GetProperty("class").GetRawText());
        Assert.Equal("[1, 1, -1, 0]", tensors[0].GetProperty("sign").GetRawText());
        Assert.Equal("[1, 3, 1, 0]", tensors[0].GetProperty("firstStep").GetRawText());
        Assert.Equal("[]", tensors[1].GetProperty("shape").GetRawText());
        Assert.Equal("[2]", tensors[1].GetProperty("class").GetRawText());
    }

    [Fact]
    public void A_partition_of_too_many_parameters_is_refused_with_the_remedy()
    {
        var result = HandMade.ConstantMlp().Check();
        result = result with { Counts = result.Counts! with { Parameters = 10_000_001 } };
        using var stream = new MemoryStream();
        Assert.Contains("`--format json`", Assert.Throws<TiebreakException>(() => PartitionFile.Write(result, stream, CancellationToken.None)).Message, StringComparison.Ordinal);
        Assert.Equal(0, stream.Length);
    }
}
