using CsCheck;
using Tiebreak.Formats;
using Tiebreak.Formats.Tables;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Data;

/// <summary>The answer on a table, found from few samples and verified by streaming, is that of the program written out for every row.</summary>
public sealed class SetOnDataTests
{
    [Fact]
    public void Expressions_on_tables_are_as_the_judge_says() => Agreement.Sample(RandomModels.Scalars, 120, AgreesOnSomeTable);

    [Fact]
    public void Networks_on_tables_are_as_the_judge_says() => Agreement.Sample(RandomModels.Networks, 60, AgreesOnSomeTable);

    static (Likeness Likeness, Partition? Other) AgreesOnSomeTable(Model model)
    {
        // The table is a function of the program, so that a failure can be repeated.
        var random = new Random(model.Program.Nodes.Count * 7919 + model.Parameters.Count);
        var leaves = model.Program.Nodes.Where(node => node.Primitive is Primitive.Data { Kind: DataKind.Free or DataKind.Distribution }).ToArray();
        if (leaves.Length == 0) return (Likeness.Same, null);
        var count = random.Next(1, 5);
        var equal = random.Next(3) == 0; // often all columns are one
        var rows = new List<Dictionary<string, Rational[]>>();
        for (var row = 0; row < count; row++)
        {
            var all = random.Next(-2, 3);
            rows.Add(leaves.ToDictionary(
                leaf => ((Primitive.Data)leaf.Primitive).Name,
                leaf => ((Primitive.Data)leaf.Primitive).Kind == DataKind.Distribution ? OneHot(random, leaf.Shape)
                    : Enumerable.Range(0, (int)leaf.Shape.Count).Select(_ => new Rational(equal ? all : random.Next(-2, 3), 2)).ToArray(),
                StringComparer.Ordinal));
        }

        var unrolled = UnrolledModel.Of(model, rows);
        var verdict = ScalarJudge.Judge(unrolled);
        if (!verdict.IsMonotone) return (Likeness.RestsOnKink, null);
        var names = leaves.Select(leaf => ((Primitive.Data)leaf.Primitive).Name).ToArray();
        var table = new MemoryTable([.. leaves.Zip(names, (leaf, name) => (name, leaf.Shape))], [.. rows.Select(row => names.Select(name => row[name]).ToArray())]);
        var samples = new DataSet(table, model.Program, [.. names.Select((name, k) => new BoundInput(name, [k], leaves[k].Shape.Count))], 1);
        var found = new SetOnData(model, samples, new RefinementOptions { ByOrder = false }, mostRuns: random.Next(1, 4)).Find();
        if (found.Partition is not { } partition) return (Likeness.DividesByZero, null);
        return (verdict.Partition.SameAs(partition) ? Likeness.Same : Likeness.Contradiction, partition);
    }

    static Rational[] OneHot(Random random, Shape shape)
    {
        var width = shape[shape.Rank - 1];
        var values = new Rational[shape.Count];
        for (var row = 0; row < values.Length; row += width) values[row + random.Next(width)] = Rational.One;
        return values;
    }

    [Fact]
    public void A_row_that_alone_breaks_a_tie_is_found_wherever_it_stands() => Gen.Select(Gen.Int[2, 60], Gen.Int[1, 9]).Sample((rows, block) =>
    {
        using var file = FormulaReaderOf("param a = 0\nparam b = 0\ndata x0, x1\nloss a*x0 + b*x1");
        var model = file.Lower(new LoweringOptions());
        Rational[][] Row(int row, bool last) => [[row + 1], [last ? row + 2 : row + 1]];
        var table = new MemoryTable([("x0", Shape.Scalar), ("x1", Shape.Scalar)], [.. Enumerable.Range(0, rows).Select(row => Row(row, row == rows - 1))]);
        var samples = new DataSet(table, model.Program, [new BoundInput("x0", [0], 1), new BoundInput("x1", [1], 1)], 1);
        var search = new SetOnData(model, samples, new RefinementOptions(), block);
        Assert.Equal(2, search.Find().Partition!.Classes);
        Assert.Equal(rows, search.Rows);
        Assert.Equal(rows - 1, Assert.Single(search.Columns.Splits).Row);
        Assert.Equal(1, Assert.Single(search.Breaks(2)).DegreesOfFreedom);
    }, iter: 60, threads: 1);

    static Tiebreak.Formats.Formulas.FormulaReader FormulaReaderOf(string text) => Tiebreak.Formats.Formulas.FormulaReader.Parse(text, "test.tb", ".");
}
