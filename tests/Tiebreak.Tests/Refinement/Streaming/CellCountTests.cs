using Tiebreak.Formats;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Refinement;
using Tiebreak.Refinement.Streaming;
using Tiebreak.Tests.Judge;
using Xunit;

namespace Tiebreak.Tests.Refinement.Streaming;

/// <summary>Counts of classes are those of looking at each weight.</summary>
public sealed class CellCountTests
{
    const ulong Sign = AxisKeys.SignBit;

    static readonly int Cases = 400 * Agreement.More;

    [Fact]
    public void Counts_are_those_of_weights_one_by_one()
    {
        for (var seed = 1; seed <= Cases; seed++)
        {
            var random = new Random(seed);
            var pool = Enumerable.Range(0, random.Next(1, 12)).Select(_ => Word(random)).ToArray();
            var drawn = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Draw(random, pool)).ToList();
            if (random.Next(3) == 0) drawn.Add(drawn[0]); // a copy of the whole
            StreamedMatrix[] matrices = [.. drawn.Select(each => each.Matrix)];
            MatrixClasses[] classes = [.. drawn.Select(each => each.Classes)];
            IReadOnlyList<TiedSlices>[] Tied(bool isRows) => [.. drawn.Select(each => new EqualSlices(each.Matrix, isRows).Tied(each.Classes))];
            var result = new StreamedResult(new StreamedState(null!, classes), null, [(1, classes)], new RefinementResult());
            var counted = CellCount.Of(matrices, result, Tied(isRows: true), Tied(isRows: false), _ => false, threads: 1, CancellationToken.None);

            var weights = matrices.SelectMany((matrix, k) => Weights(k, matrix, classes[k])).GroupBy(weight => weight.Name).Select(members => members.ToArray()).ToArray();
            Assert.Equal(weights.Length, counted.Classes);
            for (var k = 0; k < matrices.Length; k++)
            {
                long Sum(Func<(int Matrix, CellKey Name, bool IsNegative)[], bool> isMeant) => weights.Where(isMeant).Sum(members => members.LongCount(weight => weight.Matrix == k));
                var own = counted.Each[k];
                Assert.Equal(
                    (weights.LongCount(members => members.Any(weight => weight.Matrix == k)), Sum(members => members.Length > 1), Sum(members => members.DistinctBy(weight => weight.IsNegative).Count() > 1)),
                    (own.Classes, own.Lockstep, own.Mirrored));
            }
        }
    }

    static IEnumerable<(int Matrix, CellKey Name, bool IsNegative)> Weights(int k, StreamedMatrix matrix, MatrixClasses classes)
    {
        for (var i = 0; i < matrix.Rows; i++)
        {
            for (var j = 0; j < matrix.Columns; j++)
            {
                var (bits, row, column) = (matrix.Bits(i, j), classes.Rows.Keys[i], classes.Columns.Keys[j]);
                if (classes.Moves(i, j)) yield return (k, StreamedCells.KeyOf(bits, row, column), StreamedCells.IsNegative(bits, row, column));
            }
        }
    }

    // Small numbers, of which many are equal; rows and columns that repeat others or are their negatives; some symmetric.
    static (StreamedMatrix Matrix, MatrixClasses Classes) Draw(Random random, ulong[] pool)
    {
        var (rows, columns, allMove) = (random.Next(1, 12), random.Next(1, 12), random.Next(3) > 0);
        var values = new float[rows, columns];
        for (var i = 0; i < rows; i++)
            for (var j = 0; j < columns; j++) values[i, j] = random.Next(-1, 2) * (random.Next(4) == 0 ? 2 : 1);
        var (rowKeys, columnKeys) = (Keys(rows), Keys(columns));
        for (var n = random.Next(8); n > 0; n--)
        {
            var factor = random.Next(2) == 0 ? -1 : 1;
            if (random.Next(2) == 0)
            {
                var (from, to) = (random.Next(rows), random.Next(rows));
                for (var j = 0; j < columns; j++) values[to, j] = factor * values[from, j];
                rowKeys[to] = rowKeys[from] ^ (factor < 0 ? Sign : 0);
            }
            else
            {
                var (from, to) = (random.Next(columns), random.Next(columns));
                for (var i = 0; i < rows; i++) values[i, to] = factor * values[i, from];
                columnKeys[to] = columnKeys[from] ^ (factor < 0 ? Sign : 0);
            }
        }

        if (rows == columns && random.Next(2) == 0)
        {
            columnKeys = [.. rowKeys];
            for (var i = 0; i < rows; i++)
                for (var j = 0; j < i; j++) values[i, j] = values[j, i];
        }

        var matrix = StreamedMatrix.Of(new ParameterTensor("w", new Shape(rows, columns), new DoubleTensor([.. values.Cast<float>().Select(value => (double)value)])), mostCopied: 1 << 10)!;
        return (matrix, new MatrixClasses(Axis(rowKeys), Axis(columnKeys)));

        ulong[] Keys(int places) => [.. Enumerable.Range(0, places).Select(_ => random.Next(3) == 0 ? Word(random) : pool[random.Next(pool.Length)] ^ (random.Next(2) == 0 ? Sign : 0))];

        // Which positions move is a function of the class; nothing is its own negative.
        AxisKeys Axis(ulong[] keys)
        {
            ulong[] moving = [.. keys.Select(key => allMove ? 7 : (key & ~Sign) * 0x9E3779B97F4A7C15 >> 61)];
            return new AxisKeys { Keys = [.. keys.Zip(moving, (key, positions) => positions == 0 ? key & ~Sign : key)], Moving = PlaceBits.Of(moving) };
        }
    }

    static ulong Word(Random random) => (ulong)random.NextInt64() ^ (ulong)random.NextInt64() << 1;
}
