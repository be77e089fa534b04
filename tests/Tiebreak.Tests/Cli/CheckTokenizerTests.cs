using System.Text.Json;
using Google.Protobuf;
using Tiebreak.Cli;
using Tiebreak.Cli.Reports;
using Tiebreak.Findings;
using Tiebreak.Formats;
using Tiebreak.Formats.Tokenizers;
using Tiebreak.Tests.Findings;
using Tiebreak.Tests.Formats.Families;
using Tiebreak.Tests.Formats.Onnx;
using Tiebreak.Tests.House;
using Xunit;

namespace Tiebreak.Tests.Cli;

/// <summary><c>check --tokenizer</c>: rows of tables are named by their tokens in text and JSON, whichever way the model was analysed.</summary>
public sealed class CheckTokenizerTests : IDisposable
{
    const int Tokens = 600;
    const string Some = """{"pre_tokenizer":{"type":"ByteLevel"},"added_tokens":[{"id":590,"content":"<|extra\u202e|>"},{"id":591,"content":"<|end|>"}],"model":{"type":"BPE","vocab":{"Ġthe":3,"Ċ":9,"a":5},"merges":[]}}""";

    readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    static (int Exit, string Output, string Error) Run(params string[] args)
    {
        using StringWriter output = new(), error = new();
        var exit = CommandLine.Run(args, output, error);
        return (exit, output.ToString(), error.ToString());
    }

    string Tokenizer(string text = Some)
    {
        var path = _folder.File("tokenizer.json");
        File.WriteAllText(path, text);
        return path;
    }

    // A small Llama with a vocabulary large enough to stream, and copied rows in both tables.
    static ToyCheckpoint Llama()
    {
        var small = new DecoderToy("llama");
        using var names = small.Checkpoint();
        var toy = new ToyCheckpoint();
        foreach (var name in names.Names) toy.Add(name, [.. names.Sizes(name).Select(size => size == DecoderToy.Vocabulary ? Tokens : size)]);
        toy.Copy("model.embed_tokens.weight", 0, 590, 591);
        toy.Copy("lm_head.weight", 0, 3, 9);
        toy.Copy("lm_head.weight", 0, 595, 596);
        return toy.Save(small.Config.Replace($"\"vocab_size\":{DecoderToy.Vocabulary}", $"\"vocab_size\":{Tokens}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("1G")]
    [InlineData("512K")]
    public void Copied_rows_are_named_held_and_streamed(string memory)
    {
        using var toy = Llama();
        var text = Run("check", toy.Path, "--tokenizer", Tokenizer(), "--memory", memory);
        Assert.Equal((0, ""), (text.Exit, text.Error));
        Assert.Equal(memory == "512K", text.Output.Contains("were streamed", StringComparison.Ordinal));
        var flat = string.Join(' ', text.Output.Split(['\n', ' '], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("rows 590 \"<|extra\\u202E|>\", 591 \"<|end|>\" of `model.embed_tokens.weight`", flat, StringComparison.Ordinal);
        Assert.Contains("units {3 \" the\", 9 \"\\n\"} and {595, 596} of `lm_head.weight`", flat, StringComparison.Ordinal);
        Assert.Contains("tokens: ", flat, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202E', text.Output);
        Assert.DoesNotContain("beyond", text.Output, StringComparison.Ordinal);

        var json = Run("check", toy.Path, "--tokenizer", Tokenizer(), "--memory", memory, "--format", "json").Output;
        Assert.DoesNotContain('\u202E', json);
        using var document = JsonDocument.Parse(json);
        var finding = document.RootElement.GetProperty("findings").EnumerateArray().Single(entry => entry.GetProperty("rule").GetString() == "TB012");
        Assert.Equal("[]", finding.GetProperty("indices").GetRawText());
        var places = finding.GetProperty("places").EnumerateArray().ToDictionary(place => place.GetProperty("tensor").GetString()!, StringComparer.Ordinal);
        Assert.Equal("[[590, 591]]", places["model.embed_tokens.weight"].GetProperty("groups").GetRawText());
        Assert.Equal("<|extra\u202e|>", places["model.embed_tokens.weight"].GetProperty("tokens")[0][0].GetString());
        Assert.Equal("""[[" the", "\n"], [null, null]]""", places["lm_head.weight"].GetProperty("tokens").GetRawText());
    }

    [Fact]
    public void Without_the_option_there_are_numbers_alone_and_the_folder_s_own_file_is_not_read()
    {
        using var toy = Llama();
        File.WriteAllText(toy.File("tokenizer.json"), "broken");
        var (exit, output, _) = Run("check", toy.Path, "--format", "json");
        Assert.Equal(0, exit);
        Assert.DoesNotContain("\"tokens\"", output, StringComparison.Ordinal);
        Assert.Contains("rows 590, 591 of `model.embed_tokens.weight`", output, StringComparison.Ordinal);
        var broken = Run("check", toy.Path, "--tokenizer", toy.File("tokenizer.json"));
        Assert.Equal((2, ""), (broken.Exit, broken.Output));
        Assert.StartsWith($"error: {toy.File("tokenizer.json")}: does not begin with", broken.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_beyond_the_table_are_noted()
    {
        using var toy = Llama();
        var path = Tokenizer("""{"model":{"vocab":{"a":0,"b":600,"c":4000000}}}""");
        Assert.Contains("tokenizer.json has 2 tokens beyond the 600 places of `model.embed_tokens.weight`; is it this model's?", Run("check", toy.Path, "--tokenizer", path, "--format", "json").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_family_knows_its_tables()
    {
        (ToyCheckpoint Toy, string Config, string[] Expected)[] all =
        [
            (Gpt2Toy.Checkpoint(), Gpt2Toy.Config, ["transformer.wte.weight 0"]),
            (BertToy.Checkpoint(1), BertToy.Config(), ["bert.embeddings.word_embeddings.weight 0"]),
            (T5Toy.Checkpoint(1, true), T5Toy.Config(true), ["lm_head.weight 0", "shared.weight 0"]),
            (new DecoderToy("llama") { IsTied = true }.Checkpoint(), new DecoderToy("llama") { IsTied = true }.Config, ["model.embed_tokens.weight 0"]),
        ];
        var vocabulary = TokenizerFile.Read(Tokenizer());
        foreach (var (toy, config, expected) in all)
        {
            using var _ = toy.Save(config);
            var axes = TokenAxes.Of(Check.Read(toy.Path), vocabulary);
            Assert.Equal(expected, axes.Select(axis => $"{axis.Key} {axis.Value}").Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void What_an_adapter_puts_in_place_of_a_table_is_named()
    {
        using var home = Gpt2Toy.Checkpoint().Save(Gpt2Toy.Config);
        using var adapter = new ToyCheckpoint(7).Add("base_model.model.transformer.wte.lora_embedding_A", 2, 7).Add("base_model.model.transformer.wte.lora_embedding_B", 6, 2)
            .Save($$"""{"peft_type":"LORA","base_model_name_or_path":{{JsonSerializer.Serialize(home.Path)}},"r":2,"lora_alpha":3}""", "adapter_model.safetensors", "adapter_config.json");
        var axes = TokenAxes.Of(Check.Read(adapter.Path), TokenizerFile.Read(Tokenizer()));
        Assert.Equal(1, axes["base_model.model.transformer.wte.lora_embedding_A"]);
        Assert.Equal(2, axes.Count);
    }

    [Fact]
    public void A_model_without_a_table_is_refused_with_the_reason()
    {
        File.WriteAllText(_folder.File("m.tb"), "param a = 1\nloss a**2\n");
        var (exit, output, error) = Run("check", _folder.File("m.tb"), "--tokenizer", Tokenizer());
        Assert.Equal((2, "", $"error: --tokenizer {Tokenizer()}: the model has no table with a row for each token, so there is nothing to name; leave --tokenizer out\n"), (exit, output, error.ReplaceLineEndings("\n")));
        using var vit = VitToy.Checkpoint(1).Save(VitToy.Config());
        Assert.Equal(2, Run("check", vit.Path, "--tokenizer", Tokenizer()).Exit);
    }

    [Fact]
    public void The_tokenizer_is_not_written_over()
    {
        File.WriteAllText(_folder.File("m.tb"), "param a = 1\nloss a**2\n");
        var (exit, _, error) = Run("check", _folder.File("m.tb"), "--tokenizer", Tokenizer(), "--output", Tokenizer());
        Assert.Equal(2, exit);
        Assert.Contains("would overwrite what is read", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_that_no_sample_selects_are_named_in_a_graph()
    {
        var model = _folder.File("m.onnx");
        File.WriteAllBytes(model, new OnnxModelBuilder().Input("ids", global::Onnx.TensorProto.Types.DataType.Int64, -1, 2).Weight("table", [4, 1], 1, 2, 5, 7)
            .Node("Gather", ["table", "ids"], ["y"]).Output("y").Proto().ToByteArray());
        File.WriteAllText(_folder.File("t.csv"), "ids[0],ids[1]\n0,2\n2,0\n");
        var tokenizer = Tokenizer("""{"model":{"vocab":[["<s>",0],["▁the",0],["a",0]]}}""");
        var (_, output, error) = Run("check", model, "--data", _folder.File("t.csv"), "--tokenizer", tokenizer, "--format", "json");
        Assert.Equal("", error);
        using var document = JsonDocument.Parse(output);
        var finding = document.RootElement.GetProperty("findings").EnumerateArray().Single(entry => entry.GetProperty("rule").GetString() == "TB006");
        Assert.StartsWith("rows 1 \"▁the\", 3 of `table` get no gradient", finding.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(("[1, 3]", "[\"▁the\", null]"), (finding.GetProperty("indices").GetRawText(), finding.GetProperty("tokens").GetRawText()));
    }

    [Fact]
    public void Of_a_graph_s_tables_the_one_nearest_in_size_is_the_vocabulary_s()
    {
        AxisMeaning[] rows = [AxisMeaning.Row, AxisMeaning.Output];
        var model = new HandMade().Add("positions", [64, 1], ParameterRole.LookUp, rows, new int[64]).Add("tokens", [8, 1], ParameterRole.LookUp, rows, new int[8]).Add("kinds", [2, 1], ParameterRole.LookUp, rows, new int[2]).Analyse().Model;
        Assert.Equal(["tokens"], TokenAxes.Of(model, TokenizerFile.Read(Tokenizer("""{"model":{"vocab":{"a":6}}}"""))).Keys);
    }

    [Fact]
    public void Units_in_lockstep_and_mirrored_ones_are_named()
    {
        AxisMeaning[] rows = [AxisMeaning.Row, AxisMeaning.Output];
        var analysis = new HandMade().Add("wte", [6, 2], ParameterRole.LookUp, rows, [1, 2, 3, 4, 1, 2, 5, 6, -5, -6, 7, 8]).With(tensor => tensor with { TokenAxis = 0 })
            .Add("scores", [6], ParameterRole.Bias, [AxisMeaning.Output], [9, 10, 11, 12, 12, 13]).With(tensor => tensor with { TokenAxis = 0 }).Analyse();
        var options = new CheckOptions { Tokenizer = "t", Vocabulary = TokenizerFile.Read(Tokenizer("""{"model":{"vocab":{"a":0,"b":2,"c d":3}}}""")) };
        var result = FindingsBuilder.Build("m", "onnx", options, analysis);
        Finding Only(string rule, string tensor) => Assert.Single(result.Findings, finding => finding.Rule == rule && finding.Tensor == tensor);
        Assert.StartsWith("rows 0 \"a\", 2 \"b\" of `wte` stay equal", Only("TB001", "wte").Message, StringComparison.Ordinal);
        Assert.Equal(["a", "b"], Only("TB001", "wte").Tokens);
        Assert.StartsWith("rows 3 \"c d\", 4 of `wte` stay each other's negative", Only("TB003", "wte").Message, StringComparison.Ordinal);
        Assert.Equal(["c d", null], Only("TB003", "wte").Tokens);
        Assert.Contains("elements 3 \"c d\", 4 of `scores`", Only("TB001", "scores").Message, StringComparison.Ordinal);
        Assert.Equal(["a", "b"], result.Units.First(units => units is { Tensor: "wte", Axis: 0 }).Tokens[0]);
        Assert.Empty(FindingsBuilder.Build("m", "onnx", new CheckOptions(), analysis).Units[0].Tokens);
    }

    [Fact]
    public void Lines_are_not_broken_inside_a_token() =>
        Assert.Equal(["aaaa", "\"b c\",", "d \"", "eeee"], WrappedText.Lines("", "aaaa \"b c\", d \" eeee", width: 6));
}
